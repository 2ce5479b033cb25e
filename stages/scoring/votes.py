"""Which answers to one problem are the same answer, so that a majority can be counted.

All answers judged right are one class, since each equals the reference. The others are put into
classes from the most frequent one down: an answer belongs to the first class whose most frequent
answer it equals, letter for letter, as a plain number, or by the problem's own verifier with that
answer as the reference (1/3 and \\frac{1}{3}; "1,2" is not "12").

Voted on are answers of verifiers with one right answer that an answer can be compared with. Not
programs, free texts and grids with several attempts, which all differ; nor countdown's expressions
and reasoning-gym's tasks, where right answers may differ (`OPEN`): to unite them, a vote would have
to know which are right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from stages import verifiers
from stages.chat.template import tagged
from stages.rows.schemas import Row
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import ANSWER, Request, request_of

NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?")  # -7, 018, 2.50
RIGHT = "\0"  # the class of every right answer; no answer is this text

Pair = tuple[int, str, str]  # a problem's index, one of its answers, and a less frequent one


def can_vote(problem: Row) -> bool:
    """Whether equal answers to it can be told."""
    name = problem["verifier"]
    if name not in verifiers.VERIFIERS:
        return False
    module = verifiers.load(name)
    return module.READS == ANSWER and not getattr(module, "OPEN", False)


def classes(samples: Sequence[Sequence[Row]], pool: VerifierPool) -> list[list[str | None]]:
    """For each problem, the class of each of its samples' answers; None: no answer, no vote."""
    votes = [[_vote(row) for row in rows] for rows in samples]
    ranked = [
        [answer for answer, _ in Counter(a for a in answers if a and a != RIGHT).most_common()]
        for answers in votes
    ]
    pairs = [
        (index, one, other)
        for index, answers in enumerate(ranked)
        for one, other in combinations(answers, 2)
        if not (NUMBER.fullmatch(one) and NUMBER.fullmatch(other))
    ]
    with pool.comparing():
        verdicts = pool.verify([_comparison(samples[i][0], one, other) for i, one, other in pairs])
    same = {pair for pair, verdict in zip(pairs, verdicts, strict=True) if verdict.score == 1.0}
    found = [_class_of(index, answers, same) for index, answers in enumerate(ranked)]
    return [
        [vote if vote is None else of.get(vote, vote) for vote in answers]
        for of, answers in zip(found, votes, strict=True)
    ]


def _vote(row: Row) -> str | None:
    if row["answer"] is None:
        return None
    if row["score"] == 1.0:
        return RIGHT
    text = " ".join(row["answer"].split())
    return f"{Decimal(text).normalize() + 0:f}" if NUMBER.fullmatch(text) else text


def _class_of(index: int, answers: Sequence[str], same: set[Pair]) -> dict[str, str]:
    """For each answer of a problem, the most frequent first, that which stands for its class."""
    found: dict[str, str] = {}
    heads: list[str] = []
    for answer in answers:
        found[answer] = next((head for head in heads if (index, head, answer) in same), answer)
        if found[answer] == answer:
            heads.append(answer)
    return found


def _comparison(problem: Row, reference: str, answer: str) -> Request:
    return request_of(problem | {"reference": reference}, tagged("", answer))
