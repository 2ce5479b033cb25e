r"""Equations and inequalities in several variables: y = 2x + 1 is 4x - 2y + 2 = 0.

Two are the same when one is a constant times the other (a positive one for inequalities), or when,
without denominators and repeated factors, they are the same polynomial and no denominator can
vanish on it: xy = 1 is y = 1/x, but y/x = 1 lacks a point of y = x, and x(x - 1) = 0 is not x = 1.
"""

from __future__ import annotations

from typing import Any

import mpmath
from mpmath import mp

from stages.verifiers.maths.errors import NotExact, TooLarge, Undefined, Unread
from stages.verifiers.maths.judges.exact import is_linear, proportional
from stages.verifiers.maths.judges.numeric import evaluate
from stages.verifiers.maths.judges.rules import need_digits
from stages.verifiers.maths.judges.scalars import points
from stages.verifiers.maths.judges.values import value_of
from stages.verifiers.maths.nodes import Node, has, number, symbols

_SIDES = {"<": (1, "<"), ">": (-1, "<"), "<=": (1, "<="), ">=": (-1, "<="), "=": (1, "="),
          "!=": (1, "!=")}  # fmt: skip
_HIGHEST = 12  # degree, where polynomials are asked for
_ENOUGH = 5


def same_relation(reference: Node, answer: Node) -> bool:
    """Whether two relations of two sides each have the same solutions."""
    if any(len(chain.value) != 1 or chain.value[0] not in _SIDES for chain in (reference, answer)):
        return False
    (sign, kind), (other_sign, other_kind) = _SIDES[reference.value[0]], _SIDES[answer.value[0]]
    names = symbols(reference)
    if kind != other_kind or not names or symbols(answer) != names:
        return False
    left, right = difference(reference), difference(answer)
    if has(left, "pm", "tuple", "set", "matrix") or has(right, "pm", "tuple", "set", "matrix"):
        return False
    sure = _same_exactly(left, right)
    if sure is not None and kind in ("=", "!="):
        return sure
    need_digits()
    factor = _factor(left, right, names)
    if factor is not None:
        return kind in ("=", "!=") or factor * sign * other_sign > 0
    return kind in ("=", "!=") and _same_polynomial(left, right)


def _same_exactly(left: Node, right: Node) -> bool | None:
    """Equal up to a factor; otherwise sure only where both are linear."""
    try:
        mine, theirs = value_of(left), value_of(right)
    except (NotExact, TooLarge, Undefined):
        return None
    if mine.den == theirs.den and mine.num and proportional(mine.num, theirs.num):
        return True
    return False if is_linear(mine) and is_linear(theirs) else None


def difference(chain: Node) -> Node:
    """Left side minus right side."""
    left, right = chain.args
    return Node("add", (left, Node("neg", (right,))))


def _factor(left: Node, right: Node, names: frozenset[str]) -> Any:
    """The constant c with left = c * right at every point, or None."""
    found: list[Any] = []
    for point in points(names, frozenset()):
        try:
            first, second = evaluate(left, point), evaluate(right, point)
        except Undefined:
            continue
        if first.within(first.value) or second.within(second.value):
            if first.within(first.value) and second.within(second.value):
                continue
            return None
        if not (first.real and second.real):
            if first.real != second.real:
                return None
            continue
        with mp.workdps(100):
            found.append(mpmath.re(first.value) / mpmath.re(second.value))
            if abs(found[-1] - found[0]) > abs(found[0]) * mpmath.mpf(10) ** -60:
                return None
    return found[0] if len(found) >= _ENOUGH else None


def _same_polynomial(left: Node, right: Node) -> bool:
    from sympy import Poly, fraction, groebner, together
    from sympy.polys.polyerrors import BasePolynomialError

    try:
        pairs = [fraction(together(_rational(node)).cancel()) for node in (left, right)]
        names = sorted(pairs[0][0].free_symbols | pairs[1][0].free_symbols, key=str)
        tops = [Poly(top, *names).sqf_part().monic() for top, _ in pairs]
        if not names or tops[0] != tops[1]:
            return False
        bottoms = [Poly(bottom, *names) for _, bottom in pairs]
        return all(
            bottom.is_ground or groebner([tops[0], bottom], *names).exprs == [1]
            for bottom in bottoms
        )
    except (BasePolynomialError, ZeroDivisionError, Unread):
        return False


def _rational(node: Node) -> Any:
    """A rational function in sympy, built by hand; Unread where it is none or too large."""
    from sympy import Add, Integer, Mul, Pow, Rational, Symbol

    match node.kind:
        case "number":
            return Rational(node.value.numerator, node.value.denominator)
        case "symbol":
            return Symbol(node.value)
        case "neg":
            return Mul(Integer(-1), _rational(node.args[0]))
        case "add":
            return Add(*(_rational(part) for part in node.args))
        case "mul":
            return Mul(*(_rational(part) for part in node.args))
        case "div":
            bottom = _rational(node.args[1])
            if bottom == 0:
                raise Unread("division by zero")
            return Mul(_rational(node.args[0]), Pow(bottom, -1))
        case "pow" if node.args[1] in map(number, range(1, _HIGHEST + 1)):
            return Pow(_rational(node.args[0]), int(node.args[1].value))
    raise Unread("no rational function")
