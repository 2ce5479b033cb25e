r"""Solutions with free real parameters: lines, planes, and the general solutions of equations.

What is linear in its parameters is a point plus a span. Two of them are the same when the spans are
one and the points differ by a vector of it: (2 + 3t, 1 - t) is (5 - 3s, s), C_1e^x + C_2e^{-x} is
A\cosh x + B\sinh x, \sin^2 x + C is C - \cos^2 x. Functions are vectors of their values at points.
"""

from __future__ import annotations

from flint import arb

from stages.verifiers.maths.errors import Undefined
from stages.verifiers.maths.judges.numeric import evaluate
from stages.verifiers.maths.judges.rules import need_digits
from stages.verifiers.maths.judges.scalars import points
from stages.verifiers.maths.nodes import Node, symbols

_SAMPLES = 7  # of points(), where no variable is beyond 9: the rank is taken at absolute size

Vector = list[arb]


def same_span(
    mine: tuple[Node, ...], parameters: list[str], theirs: tuple[Node, ...], others: list[str]
) -> bool:
    """Whether two things that are linear in their parameters run through the same set."""
    need_digits()
    if len(mine) != len(theirs) or len(parameters) != len(others) or len(parameters) > 4:
        return False
    free = _names(mine) - set(parameters)
    if free != _names(theirs) - set(others):
        return False
    first, second = _affine(mine, parameters, free), _affine(theirs, others, free)
    if first is None or second is None or len(first[0]) != len(second[0]):
        return False
    size = len(parameters)
    gap = [a - b for a, b in zip(first[0], second[0], strict=True)]
    return (
        _rank(first[1]) == _rank(second[1]) == size and _rank([*first[1], *second[1], gap]) == size
    )


def _names(parts: tuple[Node, ...]) -> frozenset[str]:
    return frozenset(name for part in parts for name in symbols(part))


def _affine(
    parts: tuple[Node, ...], parameters: list[str], free: frozenset[str]
) -> tuple[Vector, list[Vector]] | None:
    """The values with all parameters zero and what each adds; None where that is not linear."""
    units = [{name: int(name == one) for name in parameters} for one in parameters]
    probe = {name: 3 + 2 * place for place, name in enumerate(parameters)}
    rows = [
        _values(parts, chosen, free) for chosen in (dict.fromkeys(parameters, 0), *units, probe)
    ]
    if any(row is None or rows[0] is None or len(row) != len(rows[0]) for row in rows):
        return None
    base, *ends, probed = (row for row in rows if row is not None)
    spans = [[a - b for a, b in zip(end, base, strict=True)] for end in ends]
    for place, value in enumerate(probed):
        expected = base[place] + sum(
            probe[name] * span[place] for name, span in zip(parameters, spans, strict=True)
        )
        if not value.overlaps(expected):
            return None
    return base, spans


def _values(parts: tuple[Node, ...], chosen: dict[str, int], free: frozenset[str]) -> Vector | None:
    found: Vector = []
    for place, point in enumerate(points(free, frozenset())):
        if place >= (_SAMPLES if free else 1):
            break
        full = point | {name: float(value) for name, value in chosen.items()}
        try:
            values = [evaluate(part, full) for part in parts]
        except Undefined:
            return None
        if not all(value.real for value in values):
            values = []
        found.extend(value.ball.real for value in values)
        found.append(arb(len(values)))
    return found if len(found) > len(parts) else None


def _rank(rows: list[Vector]) -> int:
    """Gaussian elimination: what may be zero is zero."""
    left = [list(row) for row in rows]
    rank = 0
    for column in range(len(left[0])):
        pivot = max(range(rank, len(left)), key=lambda row: abs(left[row][column]).lower())
        if left[pivot][column].contains(0):
            continue
        left[rank], left[pivot] = left[pivot], left[rank]
        for row in range(rank + 1, len(left)):
            factor = left[row][column] / left[rank][column]
            left[row] = [a - factor * b for a, b in zip(left[row], left[rank], strict=True)]
        rank += 1
        if rank == len(left):
            break
    return rank
