r"""Solutions with a whole-number parameter: x = \pi/4 + k\pi is x = -3\pi/4 + n\pi.

Each statement is a sequence, or two where (-1)^k makes a difference of parity. The union of
arithmetic progressions is brought to one common period and compared as a set of offsets; so are
points and intervals that move along. Every other kind of sequence is compared term by term.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm

from flint import arb

from stages.verifiers.maths.judges.elementary import floor
from stages.verifiers.maths.judges.rules import need_digits
from stages.verifiers.maths.judges.scalars import constant
from stages.verifiers.maths.nodes import Node, number, substitute, symbols

_MOST = 400  # offsets in one period
_TERMS = range(-4, 5)

Vector = tuple[arb, ...]


@dataclass(frozen=True)
class Progression:
    """offset + j·period for every whole j; no period: a single point. `shape` has to match."""

    offset: Vector
    period: Vector | None
    shape: str


class NoProgression(ValueError):
    """Not arithmetic, or with other variables."""


def progressions(parts: tuple[Node, ...], parameter: str | None, shape: str) -> list[Progression]:
    """The progressions that the components of one statement run through."""
    need_digits()
    if parameter is None:
        return [Progression(_terms(parts, "", [0])[0], None, shape)]
    try:
        return [_arithmetic(parts, parameter, list(_TERMS), shape)]
    except NoProgression:
        return [
            _arithmetic(parts, parameter, [2 * j + odd for j in _TERMS], shape) for odd in (0, 1)
        ]


def same_progressions(mine: list[Progression], theirs: list[Progression]) -> bool:
    """Whether two unions of progressions are the same set."""
    moving = [item for item in (*mine, *theirs) if item.period is not None]
    if not moving:
        return False
    base = moving[0].period
    if base is None:
        return False
    try:
        common = _common_period(base, moving)
        first, second = (_offsets(items, base, common) for items in (mine, theirs))
    except NoProgression:
        return False
    points = [[item for item in items if item.period is None] for items in (mine, theirs)]
    lonely = [
        [point for point in found if not _within(point, offsets, base, common)]
        for found, offsets in zip(points, (first, second), strict=True)
    ]
    return (
        _covers(first, second)
        and _covers(second, first)
        and _covers(
            [(p.offset, p.shape) for p in lonely[0]], [(p.offset, p.shape) for p in lonely[1]]
        )
        and len(lonely[0]) == len(lonely[1])
    )


def turns(items: list[Progression]) -> bool:
    """Whether something moves, and all that moves does so by rational multiples of π."""
    steps = [step for item in items if item.period is not None for step in item.period]
    try:
        return bool(steps) and all(_multiple((step,), (arb.pi(),)) is not None for step in steps)
    except NoProgression:
        return False


def _terms(parts: tuple[Node, ...], parameter: str, values: list[int]) -> list[Vector]:
    found = []
    for value in values:
        term = [constant(substitute(part, {parameter: number(value)})) for part in parts]
        known = tuple(component for component in term if component is not None)
        if len(known) < len(term):
            raise NoProgression("no real number")
        found.append(known)
    return found


def _arithmetic(
    parts: tuple[Node, ...], parameter: str, values: list[int], shape: str
) -> Progression:
    if any(symbols(part) - {parameter} for part in parts):
        raise NoProgression("other variables")
    terms = _terms(parts, parameter, values)
    steps = [tuple(b - a for a, b in zip(x, y, strict=True)) for x, y in pairwise(terms)]
    if any(not _close(step, steps[0]) for step in steps) or _close(
        steps[0], (arb(0),) * len(steps[0])
    ):
        raise NoProgression("not arithmetic")
    return Progression(terms[len(terms) // 2], steps[0], shape)


def _close(one: Vector, other: Vector) -> bool:
    """Whether two vectors may be the same."""
    return len(one) == len(other) and all(a.overlaps(b) for a, b in zip(one, other, strict=True))


def _multiple(vector: Vector, base: Vector) -> Fraction:
    """The rational r with vector = r·base."""
    if len(vector) != len(base):
        raise NoProgression("lengths")
    place = max(range(len(base)), key=lambda index: abs(base[index]).mid())
    ratio = vector[place] / base[place]
    middle = ratio.mid().fmpq()
    found = Fraction(int(middle.p), int(middle.q)).limit_denominator(1000)
    scaled = tuple(component * found.numerator / found.denominator for component in base)
    if not _close(scaled, vector):
        raise NoProgression("periods without a common multiple")
    return found


def _common_period(base: Vector, items: list[Progression]) -> Fraction:
    ratios = [abs(_multiple(item.period, base)) for item in items if item.period is not None]
    bottom = lcm(*(ratio.denominator for ratio in ratios))
    return Fraction(lcm(*(int(ratio * bottom) for ratio in ratios)), bottom)


def _offsets(items: list[Progression], base: Vector, common: Fraction) -> list[tuple[Vector, str]]:
    found: list[tuple[Vector, str]] = []
    for item in items:
        if item.period is None:
            continue
        copies = int(common / abs(_multiple(item.period, base)))
        if copies * len(items) > _MOST:
            raise NoProgression("too many")
        for j in range(copies):
            moved = tuple(a + j * p for a, p in zip(item.offset, item.period, strict=True))
            found.append((_reduced(moved, base, common), item.shape))
    return found


def _reduced(vector: Vector, base: Vector, common: Fraction) -> Vector:
    """The vector moved by whole periods into the first one."""
    place = max(range(len(base)), key=lambda index: abs(base[index]).mid())
    period = tuple(component * common.numerator / common.denominator for component in base)
    whole = floor(vector[place] / period[place])
    return tuple(a - whole * p for a, p in zip(vector, period, strict=True))


def _within(
    point: Progression, offsets: list[tuple[Vector, str]], base: Vector, common: Fraction
) -> bool:
    if len(point.offset) != len(base):
        return False
    return _covers([(_reduced(point.offset, base, common), point.shape)], offsets)


def _covers(some: list[tuple[Vector, str]], others: list[tuple[Vector, str]]) -> bool:
    """Whether each of the first is among the second."""
    return all(
        any(shape == kind and _close(vector, other) for other, kind in others)
        for vector, shape in some
    )
