r"""Equations and inequalities in several variables: y = 2x + 1 is 4x - 2y + 2 = 0.

Two are the same when one is a constant times the other (a positive one for inequalities), or when,
without denominators and repeated factors, they are the same polynomial and no denominator can
vanish on it: xy = 1 is y = 1/x, but y/x = 1 lacks a point of y = x, and x(x - 1) = 0 is not x = 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flint import Ordering, arb, fmpz_mpoly, fmpz_mpoly_ctx, fmpz_mpoly_vec

from stages.verifiers.maths.errors import NotExact, TooLarge, Undefined, Unread
from stages.verifiers.maths.judges.exact import Value
from stages.verifiers.maths.judges.numeric import evaluate
from stages.verifiers.maths.judges.polynomial import UNIT, Polynomial
from stages.verifiers.maths.judges.rules import need_digits
from stages.verifiers.maths.judges.scalars import points
from stages.verifiers.maths.judges.values import value_of
from stages.verifiers.maths.nodes import Node, has, number, symbols

_SIDES = {"<": (1, "<"), ">": (-1, "<"), "<=": (1, "<="), ">=": (-1, "<="), "=": (1, "="),
          "!=": (1, "!=")}  # fmt: skip
_HIGHEST = 12  # degree, where polynomials are asked for
_ENOUGH = 5
_MOST = (64, 1024, 4096)  # polynomials of a basis, terms and bits of each


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
    if mine.den == theirs.den and mine.num and _proportional(mine.num, theirs.num):
        return True
    return False if _is_linear(mine) and _is_linear(theirs) else None


def _proportional(a: Polynomial, b: Polynomial) -> bool:
    """Equal up to a rational factor."""
    if a.keys() != b.keys() or not a:
        return a.keys() == b.keys()
    first = next(iter(a))
    return all(a[m] * b[first] == b[m] * a[first] for m in a)


def _is_linear(a: Value) -> bool:
    """A polynomial of degree one in its names."""
    constants = ("pi", "e", "i")
    return a.den == UNIT and all(
        all(isinstance(atom, int) or (isinstance(atom, str) and e > 0) for atom, e in monomial)
        and sum(e for atom, e in monomial if isinstance(atom, str) and atom not in constants) <= 1
        for monomial in a.num
    )


def difference(chain: Node) -> Node:
    """Left side minus right side."""
    left, right = chain.args
    return Node("add", (left, Node("neg", (right,))))


def _factor(left: Node, right: Node, names: frozenset[str]) -> arb | None:
    """The constant c with left = c * right at every point, or None."""
    found: list[arb] = []
    for point in points(names, frozenset()):
        try:
            first, second = evaluate(left, point), evaluate(right, point)
        except Undefined:
            continue
        if first.zero or second.zero:
            if first.zero and second.zero:
                continue
            return None
        if not (first.real and second.real):
            if first.real != second.real:
                return None
            continue
        found.append(first.ball.real / second.ball.real)
        if not found[-1].overlaps(found[0]):
            return None
    return found[0] if len(found) >= _ENOUGH else None


def _same_polynomial(left: Node, right: Node) -> bool:
    """Whether both vanish at the same points, without common factors of top and bottom."""
    names = sorted(symbols(left) | symbols(right))
    ring = fmpz_mpoly_ctx.get([f"x{place}" for place in range(len(names))], Ordering.degrevlex)
    variables = dict(zip(names, ring.gens(), strict=True))
    try:
        (top, bottom), (other, beneath) = (
            _fraction(node, ring, variables) for node in (left, right)
        )
    except Unread:
        return False
    if top.is_constant() or other.is_constant():
        return False
    top, other = _squarefree(top), _squarefree(other)
    if top * other.leading_coefficient() != other * top.leading_coefficient():
        return False
    return all(_never_meet(top, below) for below in (bottom, beneath))


def _squarefree(top: fmpz_mpoly) -> fmpz_mpoly:
    factors = (factor for factor, _ in top.factor_squarefree()[1])
    return math.prod(factors, start=top.context().constant(1))


def _never_meet(top: fmpz_mpoly, bottom: fmpz_mpoly) -> bool:
    """Whether the two vanish together nowhere; False, too, where that is beyond _MOST."""
    if bottom.is_constant():
        return True
    both = fmpz_mpoly_vec([top, bottom], top.context())
    found: Any = both.buchberger_naive(limits=_MOST)
    basis, whole = found
    return bool(whole) and any(one.is_constant() for one in basis)


def _fraction(
    node: Node, ring: fmpz_mpoly_ctx, variables: Mapping[str, fmpz_mpoly]
) -> tuple[fmpz_mpoly, fmpz_mpoly]:
    """Top and bottom of a rational function; Unread where it is none or too large."""
    one = ring.constant(1)
    if node.kind == "number":
        return ring.constant(node.value.numerator), ring.constant(node.value.denominator)
    if node.kind == "symbol":
        return variables[node.value], one
    if node.kind == "pow" and node.args[1] in map(number, range(1, _HIGHEST + 1)):
        top, bottom = _fraction(node.args[0], ring, variables)
        exponent = int(node.args[1].value)
        return top**exponent, bottom**exponent
    if node.kind not in ("neg", "add", "mul", "div"):
        raise Unread("no rational function")
    (top, bottom), *others = (_fraction(part, ring, variables) for part in node.args)
    if node.kind == "neg":
        return -top, bottom
    for over, under in others:
        if node.kind == "add":
            top, bottom = top * under + over * bottom, bottom * under
        elif node.kind == "mul":
            top, bottom = top * over, bottom * under
        elif over.is_zero():
            raise Unread("division by zero")
        else:
            top, bottom = top * under, bottom * over
        common = top.gcd(bottom)
        top, bottom = top // common, bottom // common
    return top, bottom
