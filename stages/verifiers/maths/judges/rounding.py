r"""Rounded answers: "x = 1/3 \\approx 0.33" is 1/3; "\\approx 0.33" is 0.33.

Only a reference that is itself nothing but a rounded number is met by what rounds to it. An answer
whose exact side and rounded side do not agree is two answers, and wrong.
"""

from __future__ import annotations

from dataclasses import replace

from flint import arb

from stages.verifiers.maths.errors import Unread
from stages.verifiers.maths.judges.labels import is_label
from stages.verifiers.maths.judges.rules import Tolerance, rules
from stages.verifiers.maths.judges.scalars import constant
from stages.verifiers.maths.nodes import Node, has, rebuild


def exact(node: Node) -> Node:
    """The tree with every rounded side dropped beside an exact one, else taken at its word."""
    return rebuild(node, _exact) if has(node, "approx") else node


def slack(reference: Node) -> Tolerance:
    """How far an answer may be from a reference that is nothing but a rounded number."""
    mine, given = _only_rounded(reference), rules().tolerance
    if mine is None:
        return given
    return replace(given, absolute=max(given.absolute, 0.5 * 10.0**-mine.value))


def _only_rounded(node: Node) -> Node | None:
    if node.kind == "approx":
        return node
    if node.kind == "chain" and node.value == ("~",) and is_label(node.args[0]):
        return node.args[1]
    return None


def _exact(node: Node) -> Node | None:
    if node.kind == "approx":
        return node.args[0]
    if node.kind != "chain" or "~" not in node.value:
        return None
    first = node.value.index("~") + 1
    sides, rest = node.args[:first], node.args[first:]
    if is_label(sides[-1]):
        if len(rest) > 1:
            raise Unread("rounded twice")
        return Node("chain", (*sides, rest[0].args[0]), (*node.value[: first - 1], "="))
    for side in rest:
        _check(sides[-1], side)
    return Node("chain", sides, node.value[: first - 1]) if first > 1 else sides[0]


def _check(value: Node, side: Node) -> None:
    if side.kind != "approx":
        raise Unread("an exact side after a rounded one")
    found, written = constant(value), constant(side.args[0])
    if found is None or written is None or abs(found - written) > arb(10) ** -side.value:
        raise Unread("the rounded side differs")
