"""The tree that an answer is read into. Nothing in it is evaluated.

Kinds of nodes, with what `value` and `args` hold:

    number      value: Fraction                   symbol     value: name ("x", "a_{1}", "\\\\theta")
    constant    value: "pi" | "e" | "i" | "inf"    numeral    value: (digits, base), as in 101_2
    add, mul    args: the terms, the factors       neg, div, pow      args: the operands
    pm          value: "+-" | "-+", args: (x,)     root       args: (x, degree)
    call        value: a known function            apply      value: an unknown one, as in f(x)
    tuple       value: its brackets, as in "[)"    set        args: the elements
    matrix      args: rows, which are "row"        cases      args: value, condition, value, ...
    union, inter, minus     args: two sets         space      value: "R", "Z", "N", "Q", "C"
    builder     args: element, conditions...       chain      value: the signs, args: the sides
    ratio       args: the terms, value: "am" |     list       value: "," | ";" | "or" | "and"
                "pm" | "clock" for a time of day   parts      args: numbered answers, in order
    approx      value: decimals, args: (number,)   row        args: the cells of a matrix row
    quantity    args: (x,), value: (unit, what it  percent    args: (x,)
                is if the unit is a variable)      words      value: the words, as compared
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the tree."""

    kind: str
    args: tuple[Node, ...] = ()
    value: Any = None


def number(value: int | Fraction) -> Node:
    """A literal number."""
    return Node("number", value=value if type(value) is Fraction else Fraction(value))


def symbol(name: str) -> Node:
    """A variable."""
    return Node("symbol", value=name)


def negative(node: Node) -> Node:
    """Minus a node; a literal stays a literal."""
    return number(-node.value) if node.kind == "number" else Node("neg", (node,))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything under it, from left to right."""
    left = [node]  # no recursion: each level of one would pass on all that is below
    while left:
        found = left.pop()
        yield found
        left.extend(reversed(found.args))


def symbols(node: Node) -> frozenset[str]:
    """Names of the variables."""
    return frozenset(part.value for part in walk(node) if part.kind == "symbol")


def has(node: Node, *kinds: str) -> bool:
    """Whether any node under this one is of these kinds."""
    return any(part.kind in kinds for part in walk(node))


def rebuild(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """The tree with nodes replaced, from the top; None keeps a node and looks under it."""
    changed = change(node)
    if changed is not None:
        return changed
    if not node.args:
        return node
    return Node(node.kind, tuple(rebuild(child, change) for child in node.args), node.value)


def rename(node: Node, names: dict[str, str]) -> Node:
    """The tree with variables renamed."""
    return substitute(node, {old: symbol(new) for old, new in names.items()})


def substitute(node: Node, values: dict[str, Node]) -> Node:
    """The tree with nodes in the place of variables."""
    return rebuild(node, lambda part: values.get(part.value) if part.kind == "symbol" else None)
