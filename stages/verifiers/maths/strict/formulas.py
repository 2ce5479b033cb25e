r"""The formulas of a question, and whether an answer contains one.

Formulas are compared as unevaluated trees: sums and products have no order, a - b is a + (-b), a/b
is a·(1/b). What is no work to copy is no formula: a number, a fraction in lowest terms, a name,
a multiple of one, \pi, a surd.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any

from stages.verifiers.maths.errors import Unread
from stages.verifiers.maths.nodes import Node, walk
from stages.verifiers.maths.reader.grammar import parse
from stages.verifiers.maths.reader.spelling import tidy

LONGEST = 8_000  # letters of a question
_LONGEST_FORMULA = 400
_LARGEST_ROOT = 40  # whose power is looked for under a root: \sqrt{12} is no surd yet
_HIGHEST = 6  # power that is spelt out, as (x+2)(x+2)
_MOST = 80  # formulas of a question

_DISPLAYED = re.compile(r"\$\$?([^$]+)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
#: What a formula without dollar signs is made of; a word of two letters or more ends it.
_PIECE = re.compile(
    r"(?P<number>\d[\d,]*(?:\.\d+)?%?)|(?P<name>(?<![A-Za-z])[A-Za-zπ](?![A-Za-z])[²³⁴]?)"
    r"|(?P<function>\\?(?:sqrt|frac|times|cdot|div|binom)(?![a-z]))"
    r"|(?P<sign>[-+*/^×÷·=<>≤≥−!√²³⁴()\[\]{}|])|(?P<space>[ \t]+)|(?P<other>.)",
    re.DOTALL,
)
_EDGE = " \t=?,.;:<>≤≥"

Key = Hashable


@dataclass(frozen=True)
class Formula:
    """A formula by its key; a sum or product also by its parts, which may stand among others."""

    key: Key
    kind: str
    parts: tuple[tuple[Key, int], ...]


@lru_cache(maxsize=4096)
def formulas_of(question: str) -> tuple[Formula, ...]:
    """The formulas of a question, each once; those that cannot be read cost nothing."""
    found: dict[Key, Formula] = {}
    for text in _texts(question[:LONGEST]):
        try:
            node = parse(tidy(text))
        except (Unread, RecursionError):
            continue
        for part in _sides(node):
            if _is_work(part):
                formula = _formula(part)
                found.setdefault(formula.key, formula)
        if len(found) >= _MOST:
            break
    return tuple(found.values())


def contains(node: Node, formula: Formula) -> bool:
    """Whether a tree is the formula, or has it as a part."""
    for part in walk(node):
        if part.kind not in _OPERATIONS:
            continue
        own = _formula(part)
        if own.key == formula.key:
            return True
        if own.kind == formula.kind and _within(formula.parts, own.parts):
            return True
    return False


_OPERATIONS = frozenset(
    ["add", "mul", "div", "pow", "root", "call", "neg", "chain", "apply", "numeral"]
)


def _within(parts: tuple[tuple[Key, int], ...], others: tuple[tuple[Key, int], ...]) -> bool:
    there = dict(others)
    return len(parts) > 0 and all(there.get(key, 0) >= times for key, times in parts)


def _texts(question: str) -> Iterator[str]:
    """The texts of a question that may be formulas."""
    rest = question
    if "$" in question or "\\(" in question or "\\[" in question:
        for found in _DISPLAYED.finditer(question):
            text = next(group for group in found.groups() if group)
            if len(text) <= _LONGEST_FORMULA:
                yield text
        rest = _DISPLAYED.sub(" \n ", question)
    yield from _plain_texts(rest)


def _plain_texts(text: str) -> Iterator[str]:
    """Runs of numbers, lone letters and signs that hold an operation."""
    start = end = operands = signs = 0
    for piece in (*_PIECE.finditer(text), None):
        kind = piece.lastgroup if piece else "other"
        if kind == "other":
            if operands > 1 and signs and end - start <= _LONGEST_FORMULA:
                yield text[start:end].strip(_EDGE)
            start, operands, signs = (piece.end() if piece else end), 0, 0
        else:
            operands += kind in ("number", "name")
            signs += kind in ("sign", "function")
        end = piece.end() if piece else end


def _sides(node: Node) -> Iterator[Node]:
    """A formula, the sides of an equation and the equation itself, the items of a list."""
    if node.kind in ("list", "tuple", "set"):
        for part in node.args:
            yield from _sides(part)
        return
    yield node
    if node.kind == "chain":
        yield from node.args
    elif node.kind in ("quantity", "percent", "approx"):
        yield from _sides(node.args[0])


def _is_work(node: Node) -> bool:
    """Whether copying a formula would spare work."""
    match node.kind:
        case "add" | "call" | "chain" | "numeral":
            return True
        case "neg":
            return _is_work(node.args[0])
        case "mul":
            left, right = node.args
            surd = left.kind in ("number", "neg") and right.kind in (
                "symbol",
                "constant",
                "root",
                "apply",
            )
            return not surd
        case "div":
            top, bottom = node.args
            if top.kind == bottom.kind == "number":
                whole = top.value.denominator == bottom.value.denominator == 1
                return not (whole and gcd(int(top.value), int(bottom.value)) == 1 != bottom.value)
            return True
        case "pow":
            return node.args[0].kind == "number" or _is_work(node.args[0])
        case "root":
            return node.args[0].kind != "symbol" and not _is_surd(node)
    return False


def _is_surd(node: Node) -> bool:
    inside, degree = node.args
    if inside.kind != "number" or degree.kind != "number":
        return False
    power = int(degree.value)
    return all(inside.value % root**power for root in range(2, _LARGEST_ROOT))


def _formula(node: Node) -> Formula:
    key = _key(node)
    kind = key[0] if isinstance(key, tuple) else ""
    parts = key[1] if kind in ("add", "mul") else ()
    return Formula(key, str(kind), parts)


def _key(node: Node) -> Any:
    match node.kind:
        case "number":
            return node.value
        case "add" | "neg":
            return _gathered("add", _sum_keys(node, 1))
        case "mul" | "div":
            return _gathered("mul", _product_keys(node, False))
        case "pow" if _is_spelt_out(node):
            return _gathered("mul", _product_keys(node, False))
        case "chain" if set(node.value) == {"="}:
            return ("chain", frozenset(map(_key, node.args)))
        case "quantity" | "percent":
            return _key(node.args[0])
    return (node.kind, str(node.value), *map(_key, node.args))


def _gathered(kind: str, keys: list[Any]) -> Any:
    if len(keys) == 1:
        return keys[0]
    return (kind, tuple(sorted(Counter(keys).items(), key=repr)))


def _sum_keys(node: Node, sign: int) -> list[Any]:
    if node.kind == "add":
        return [key for part in node.args for key in _sum_keys(part, sign)]
    if node.kind == "neg":
        return _sum_keys(node.args[0], -sign)
    key = _key(node)
    if sign > 0:
        return [key]
    return [-key] if node.kind == "number" else [("neg", key)]


def _product_keys(node: Node, inverse: bool) -> list[Any]:
    if node.kind in ("mul", "div"):
        left, right = node.args
        other = inverse ^ (node.kind == "div")
        return [*_product_keys(left, inverse), *_product_keys(right, other)]
    times = 1
    if _is_spelt_out(node):
        node, times = node.args[0], int(node.args[1].value)
    key = _key(node)
    return ([("inverse", key)] if inverse else [key]) * times


def _is_spelt_out(node: Node) -> bool:
    """(x+2)^2 is (x+2)(x+2); e^5 stays a power."""
    if node.kind != "pow" or node.args[0].kind not in ("add", "mul", "div"):
        return False
    exponent = node.args[1]
    return exponent.kind == "number" and exponent.value in range(2, _HIGHEST + 1)
