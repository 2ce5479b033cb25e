"""Responses and what a judge said of them: files of judgements, margins, balanced lengths.

    pair     {"prompt": …, "first": "…", "second": "…", "votes": [2.0, 1.5, …]}   first − second
    label    {"prompt": …, "completion": "…", "label": 1}                         1 safe, 0 unsafe

A file of what is still to be judged has the same columns without `votes` or `label`. A response
without tags is a summary without a thought.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean

import pyarrow as pa

from stages.data.files import BadRow, Raw
from stages.data.formats.columns import text_of
from stages.data.messages import messages_of
from stages.data.rows import MESSAGES, Row, RowWriter
from stages.data.template import TAG_TOKENS, Message, compose

FILE = "file"
WITHIN_MARGIN, TOO_FEW_VOTES, UNDECIDED = "within_margin", "too_few_votes", "undecided"

#: Every pair or response that was judged, with what dropped it before lengths were balanced.
JUDGED = pa.schema(
    [
        ("prompt", MESSAGES),
        ("first", pa.string()),  # the response, where one alone is judged
        ("second", pa.string()),
        ("source", pa.string()),
        ("votes", pa.list_(pa.float64())),
        ("unreadable", pa.int64()),  # votes that could not be read
        ("dropped_by", pa.string()),
    ]
)


@dataclass(frozen=True)
class Candidate:
    """A prompt and what is to be judged: two responses, or one."""

    prompt: list[Message]
    responses: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Judged:
    """A candidate and its votes: differences first − second, or 1 for safe and 0 for unsafe."""

    candidate: Candidate
    votes: list[float]
    unreadable: int = 0


def preferred(judged: Judged, margin: float, min_votes: int) -> Row | str:
    """The better response as chosen, or what drops the pair: the mean must exceed the margin."""
    if len(judged.votes) < min_votes:
        return TOO_FEW_VOTES
    difference = fmean(judged.votes)
    if abs(difference) <= margin:
        return WITHIN_MARGIN
    chosen, rejected = judged.candidate.responses[:: 1 if difference > 0 else -1]
    return {
        "prompt": judged.candidate.prompt,
        "chosen": chosen,
        "rejected": rejected,
        "margin": abs(difference),
        "source": judged.candidate.source,
    }


def labelled(judged: Judged, min_votes: int) -> Row | str:
    """The response with the label that most votes gave it, or what drops it."""
    if len(judged.votes) < min_votes:
        return TOO_FEW_VOTES
    mean = fmean(judged.votes)
    if mean == 0.5:
        return UNDECIDED
    return {
        "prompt": judged.candidate.prompt,
        "completion": judged.candidate.responses[0],
        "label": int(mean > 0.5),
        "source": judged.candidate.source,
    }


def sift(
    judged: Iterable[Judged],
    rule: Callable[[Judged], Row | str],
    dropped: Counter[str],
    file: RowWriter,
) -> Iterator[Row]:
    """The rows that a rule makes; every judgement goes to `file`, with what dropped it."""
    for one in judged:
        result = rule(one)
        dropped["judged"] += 1
        dropped["unreadable_votes"] += one.unreadable
        file.write(_line(one, result if isinstance(result, str) else None))
        if isinstance(result, str):
            dropped[result] += 1
        else:
            yield result


def _line(judged: Judged, dropped_by: str | None) -> Row:
    candidate = judged.candidate
    first, second = (*candidate.responses, None)[:2]
    return {
        "prompt": candidate.prompt,
        "first": first,
        "second": second,
        "source": candidate.source,
        "votes": judged.votes,
        "unreadable": judged.unreadable,
        "dropped_by": dropped_by,
    }


def balanced(pairs: Iterable[Row], count: int, dropped: Counter[str]) -> list[Row]:
    """Up to `count` pairs, in equal numbers with the longer and with the shorter one chosen.

    Pairs of equal length teach nothing about length and fill what is left.
    """
    half = count // 2
    bins: dict[int, list[Row]] = {1: [], -1: [], 0: []}
    for row in pairs:
        side = (len(row["chosen"]) > len(row["rejected"])) - (
            len(row["chosen"]) < len(row["rejected"])
        )
        if len(bins[side]) < (half if side else count):
            bins[side].append(row)
        else:
            dropped["unbalanced_length"] += 1
        if len(bins[1]) == len(bins[-1]) == half:
            break
    equal = min(len(bins[1]), len(bins[-1]))
    dropped["unbalanced_length"] += len(bins[1]) + len(bins[-1]) - 2 * equal
    neutral = bins[0][: count - 2 * equal]
    dropped["surplus"] += len(bins[0]) - len(neutral)
    return [*bins[1][:equal], *bins[-1][:equal], *neutral]


def pair_candidate(number: int, row: Raw) -> Candidate:
    """A row of a file of pairs that are to be judged."""
    texts = tuple(_response(row, name) for name in ("first", "second"))
    return Candidate(messages_of(row, "prompt"), texts, FILE)


def pair_judged(number: int, row: Raw) -> Judged:
    """A row of a file of judged pairs."""
    votes = row.get("votes")
    numbers = isinstance(votes, list) and all(isinstance(vote, int | float) for vote in votes)
    if not votes or not numbers:
        raise BadRow(f"column `votes` is {votes!r}, expected a list of numbers (first − second)")
    return Judged(pair_candidate(number, row), [float(vote) for vote in votes])


def response_candidate(number: int, row: Raw) -> Candidate:
    """A row of a file of responses that are to be judged."""
    return Candidate(messages_of(row, "prompt"), (_response(row, "completion"),), FILE)


def response_judged(number: int, row: Raw) -> Judged:
    """A row of a file of labelled responses."""
    if row.get("label") not in (0, 1):
        raise BadRow(f"column `label` is {row.get('label')!r}, expected 1 (safe) or 0 (unsafe)")
    return Judged(response_candidate(number, row), [float(row["label"])])


def _response(row: Raw, name: str) -> str:
    """A response with its thought, empty if it has none: such data of others mostly has no tags."""
    text = text_of(row, name)
    return text if any(tag in text for tag in TAG_TOKENS) else compose("", text)
