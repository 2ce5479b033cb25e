"""Which answers to one problem are the same answer, so that a majority can be counted.

All answers judged right are one class, since each equals the reference. The others are compared as
normalised text, and where that may be too strict (1/3 and \\frac{1}{3}) by the problem's own
verifier, with one answer as the other's reference.

Voted on are answers of verifiers with one right answer that an answer can be compared with. Not
programs, free texts and grids with several attempts, which all differ; nor countdown's expressions
and reasoning-gym's tasks, where right answers may differ: to unite them, a vote would have to know
which are right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from stages.data.rows import Row
from stages.data.template import compose
from stages.verifiers.pool import VerifierPool
from stages.verifiers.text import normalise
from stages.verifiers.verdict import Request, request_of

#: Verifiers whose answers can be voted on.
VOTING = frozenset({"math", "choice", "logic", "order", "text"})
NUMBER = re.compile(r"-?\d+(\.\d+)?")
RIGHT = "\0"  # the class of every right answer; no answer is this text

Place = tuple[int, str]  # a problem's index and one of its answers


def classes(samples: Sequence[Sequence[Row]], pool: VerifierPool) -> list[list[str | None]]:
    """For each problem, the class of each of its samples' answers; None: no answer, no vote."""
    votes = [[_vote(row) for row in rows] for rows in samples]
    pairs = [
        (index, one, other)
        for index, answers in enumerate(votes)
        for one, other in combinations(sorted({a for a in answers if a and a != RIGHT}), 2)
        if not (NUMBER.fullmatch(one) and NUMBER.fullmatch(other))
    ]
    with pool.comparing():
        verdicts = pool.verify([_comparison(samples[i][0], one, other) for i, one, other in pairs])
    same: dict[Place, Place] = {}
    for (index, one, other), verdict in zip(pairs, verdicts, strict=True):
        first, second = _representative((index, one), same), _representative((index, other), same)
        if verdict.score == 1.0 and first != second:
            same[second] = first
    return [
        [None if vote is None else _representative((index, vote), same)[1] for vote in answers]
        for index, answers in enumerate(votes)
    ]


def _vote(row: Row) -> str | None:
    if row["answer"] is None:
        return None
    if row["score"] == 1.0:
        return RIGHT
    text = normalise(row["answer"]).replace("$", "").replace(",", "").replace(" ", "")
    return f"{Decimal(text).normalize() + 0:f}" if NUMBER.fullmatch(text) else text


def _representative(place: Place, same: dict[Place, Place]) -> Place:
    while place in same:
        place = same[place]
    return place


def _comparison(problem: Row, one: str, other: str) -> Request:
    return request_of(problem | {"reference": other}, compose("", one))
