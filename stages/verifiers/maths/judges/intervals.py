"""Intervals with any expressions as ends: union, intersection, difference, equality."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cmp_to_key

from flint import arb

from stages.verifiers.maths.judges.scalars import constant, infinite, same_value
from stages.verifiers.maths.nodes import Node, symbols

INFINITE = Node("constant", value="inf")
MINUS_INFINITE = Node("neg", (INFINITE,))


class NoRegion(ValueError):
    """Not a set of real numbers that is read here."""


@dataclass(frozen=True)
class Piece:
    """An interval; a point has equal closed ends."""

    low: Node
    high: Node
    closed_low: bool
    closed_high: bool


@dataclass(frozen=True)
class Region:
    """Pieces, and the variable that they are about (None where it is not named)."""

    pieces: tuple[Piece, ...]
    label: Node | None = None


ALL = Piece(MINUS_INFINITE, INFINITE, False, False)


def same_region(reference: Region, answer: Region) -> bool:
    """Whether two regions are the same set of the same variable."""
    if None not in (reference.label, answer.label) and reference.label != answer.label:
        return False
    mine, theirs = _ordered(reference.pieces), _ordered(answer.pieces)
    if mine is not None and theirs is not None:
        return len(mine) == len(theirs) and all(map(_same_piece, mine, theirs))
    left = list(answer.pieces)
    for piece in reference.pieces:
        match = next((other for other in left if _same_piece(piece, other)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def combine(how: str, left: Region, right: Region) -> Region:
    """ "union", "inter" or "minus" of two regions."""
    label = left.label or right.label
    if left.label and right.label and left.label != right.label:
        raise NoRegion("several variables")
    if how == "union":
        return Region((*left.pieces, *right.pieces), label)
    if how == "minus":
        pieces = left.pieces
        for piece in right.pieces:
            outside = _outside(piece)
            pieces = tuple(met for one in pieces for other in outside if (met := _meet(one, other)))
        return Region(pieces, label)
    met_pieces = (_meet(one, other) for one in left.pieces for other in right.pieces)
    return Region(tuple(piece for piece in met_pieces if piece), label)


def _outside(piece: Piece) -> list[Piece]:
    found = []
    if not infinite(piece.low):
        found.append(Piece(MINUS_INFINITE, piece.low, False, not piece.closed_low))
    if not infinite(piece.high):
        found.append(Piece(piece.high, INFINITE, not piece.closed_high, False))
    return found


def _meet(one: Piece, other: Piece) -> Piece | None:
    low, closed_low = _tighter(one.low, one.closed_low, other.low, other.closed_low, 1)
    high, closed_high = _tighter(one.high, one.closed_high, other.high, other.closed_high, -1)
    piece = Piece(low, high, closed_low, closed_high)
    return None if empty(piece) else piece


def _tighter(one: Node, closed: bool, other: Node, also: bool, side: int) -> tuple[Node, bool]:
    if infinite(one) == -side:
        return other, also
    if infinite(other) == -side:
        return one, closed
    order = _compare(one, other)
    if order == 0:
        return one, closed and also
    return (one, closed) if order == side else (other, also)


def empty(piece: Piece) -> bool:
    """Whether no number lies in a piece."""
    if infinite(piece.low) == -1 or infinite(piece.high) == 1:
        return False
    if symbols(piece.low) or symbols(piece.high):
        return False
    order = _compare(piece.low, piece.high)
    return order > 0 or (order == 0 and not (piece.closed_low and piece.closed_high))


def _compare(one: Node, other: Node) -> int:
    """-1, 0 or 1; NoRegion where the order is not known."""
    first, second = value_of(one), value_of(other)
    if first is None or second is None:
        if same_value(one, other):
            return 0
        raise NoRegion("ends without an order")
    if first.overlaps(second):
        return 0
    return -1 if first < second else 1


def value_of(end: Node) -> arb | None:
    """The place of an end on the line, or None."""
    sign = infinite(end)
    return sign * arb.pos_inf() if sign else constant(end)


def _ordered(pieces: tuple[Piece, ...]) -> list[Piece] | None:
    """Pieces in order, touching ones joined; None where an end is no constant."""
    if any(value_of(end) is None for piece in pieces for end in (piece.low, piece.high)):
        return None
    left = sorted((piece for piece in pieces if not empty(piece)), key=cmp_to_key(_starts))
    found: list[Piece] = []
    for piece in left:
        if found and _touches(found[-1], piece):
            if _compare(piece.high, found[-1].high) > 0:
                found[-1] = replace(found[-1], high=piece.high, closed_high=piece.closed_high)
            elif _compare(piece.high, found[-1].high) == 0 and piece.closed_high:
                found[-1] = replace(found[-1], closed_high=True)
            if _compare(piece.low, found[-1].low) == 0 and piece.closed_low:
                found[-1] = replace(found[-1], closed_low=True)
        else:
            found.append(piece)
    return found


def _starts(one: Piece, other: Piece) -> int:
    return _compare(one.low, other.low) or other.closed_low - one.closed_low


def _touches(before: Piece, after: Piece) -> bool:
    order = _compare(after.low, before.high)
    return order < 0 or (order == 0 and (before.closed_high or after.closed_low))


def _same_piece(one: Piece, other: Piece) -> bool:
    closed = (one.closed_low, one.closed_high) == (other.closed_low, other.closed_high)
    return closed and same_value(one.low, other.low) and same_value(one.high, other.high)
