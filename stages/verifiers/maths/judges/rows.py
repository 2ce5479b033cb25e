r"""Answers as rows: each solution is one row, a value or the values of several named quantities.

"1, 2", "\{1, 2\}", "x = 1 or x = 2", "x = 1, 2" and "x = \pm 1" are rows in no order.
"x = 1, y = 2" is one row, and a second x begins the next. ± stands for both signs: all of
one statement together where it also has a ∓, each for itself otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from stages.verifiers.maths.judges.labels import is_label, is_quantity
from stages.verifiers.maths.judges.scalars import same_value
from stages.verifiers.maths.judges.signs import expanded
from stages.verifiers.maths.nodes import Node, has, symbol, symbols


class NoRows(ValueError):
    """Not a list of values."""


@dataclass(frozen=True)
class Row:
    """One solution. names: of its quantities, in the order in which they were written.

    ordered: they were written as a tuple, (r, θ) = (6, π), and keep that order.
    """

    names: tuple[Node, ...]
    node: Node
    ordered: bool = False


@dataclass(frozen=True)
class Rows:
    """All solutions; `form`: "one", "list", "set" or "or"."""

    rows: tuple[Row, ...]
    form: str


def rows(node: Node) -> Rows:
    """The rows that a tree says, or NoRows."""
    if node.kind == "set":
        return Rows(tuple(Row((), part) for part in elements(node)), "set")
    if node.kind != "list":
        found = _statement(node)
        return Rows(tuple(found), "one" if len(found) == 1 else "list")
    if node.value in (",", "and"):
        return Rows(tuple(_comma_rows(node)), "list")
    nested = [rows(item) for item in node.args]
    return Rows(tuple(row for part in nested for row in part.rows), "or")


def rows_of_any_quantity(node: Node) -> Rows:
    """As rows, but "x + y = 5" is the value 5 too: for answers to a reference without a name."""
    if node.kind == "chain" and node.value == ("=",) and is_quantity(node.args[0]):
        return rows(node.args[1])
    return rows(node)


def elements(node: Node) -> list[Node]:
    """The elements of a set, each once."""
    found: list[Node] = []
    for part in (part for item in node.args for part in expanded(item)):
        scalar = not has(part, "tuple", "set", "matrix", "chain", "list", "row")
        if part in found or (scalar and any(_equal(part, other) for other in found)):
            continue
        found.append(part)
    return found


def _equal(one: Node, other: Node) -> bool:
    compound = has(other, "tuple", "set", "matrix", "chain", "list", "row")
    return not compound and same_value(one, other)


def _statement(node: Node) -> list[Row]:
    if node.kind != "chain":
        if has(node, "chain", "list") and node.kind not in ("cases", "builder", "set"):
            raise NoRows("relation")
        return [Row((), part) for part in expanded(node)]
    sides, signs = node.args, node.value
    if signs == ("in",) and is_label(sides[0]) and sides[1].kind == "set":
        return [Row((sides[0],), part) for part in elements(sides[1])]
    if any(sign != "=" for sign in signs):
        raise NoRows("relation")
    if len(sides) == 2 and is_label(sides[1]) and not (is_label(sides[0]) or symbols(sides[0])):
        sides = (sides[1], sides[0])
    names = [side for side in sides[:-1] if is_label(side) or _names(side)]
    values = [side for side in sides if side not in names]
    if len(names) + len(values) != len(sides) or list(sides[: len(names)]) != names:
        raise NoRows("equation")
    return _chain(names, values)


def _names(side: Node) -> bool:
    """(x, y) of "(x, y) = (1, 2)"."""
    return side.kind == "tuple" and all(is_label(part) for part in side.args)


def _chain(names: list[Node], values: list[Node]) -> list[Row]:
    """a = b = c = 3 is three names; x = 2 + 3 = 5 is one value if its sides agree."""
    value = values[-1]
    for other in values[:-1]:
        if has(other, "tuple", "set", "matrix", "list") or not same_value(value, other):
            raise NoRows("sides that differ")
    if any(symbols(name) & symbols(value) for name in names if name.kind == "symbol"):
        raise NoRows("not solved")
    if not names:
        return [Row((), part) for part in expanded(value)]
    if names[0].kind == "tuple":
        return [Row(names[0].args, part, True) for part in expanded(value)]
    stems = {name.value.partition("_")[0] for name in names if name.kind == "symbol"}
    if (
        len(names) > 1 and len(stems) == 1 and all("_" in str(name.value) for name in names)
    ):  # x_1 = x_2 = 3
        names = [symbol(stems.pop())]
    labels = tuple(names)
    if len(labels) == 1:
        return [Row(labels, part) for part in expanded(value)]
    return [Row(labels, Node("tuple", (part,) * len(labels), "()")) for part in expanded(value)]


def _comma_rows(node: Node) -> list[Row]:
    found: list[list[Row]] = []
    for item in node.args:
        statement = list(rows(item).rows) if item.kind == "list" else _statement(item)
        previous = found[-1][-1].names if found else ()
        if previous and len(statement) >= 1 and item.kind != "chain":
            statement = [Row(row.names or previous, row.node) for row in statement]
        found.append(statement)
    flat = [row for statement in found for row in statement]
    labels = [row.names for row in flat]
    if len(set(labels)) == 1 or all(not names for names in labels):
        return flat
    if any(len(names) != 1 for names in labels):
        raise NoRows("names")
    return _assignments(found)


def _assignments(statements: list[list[Row]]) -> list[Row]:
    """x = 1, y = 2, x = 3, y = 4 as two rows; x = ±1, y = 2 as two rows as well."""
    groups: list[dict[Node, list[Row]]] = [{}]
    for statement in statements:
        name = statement[0].names[0]
        if name in groups[-1]:
            groups.append({})
        groups[-1][name] = statement
    if any(group.keys() != groups[0].keys() for group in groups):
        raise NoRows("names")
    found = []
    for group in groups:
        if sum(len(choices) > 1 for choices in group.values()) > 1:
            raise NoRows("signs of several quantities")
        for choice in product(*group.values()):
            nodes = tuple(row.node for row in choice)
            found.append(Row(tuple(group), Node("tuple", nodes, "()")))
    return found
