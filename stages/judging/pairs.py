"""Responses and what a judge said of them: margins, labels, balanced lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean

import pyarrow as pa

from stages.chat.template import Message
from stages.rows.schemas import MESSAGES, Row, RowWriter

WITHIN_MARGIN, TOO_FEW_VOTES, UNDECIDED = "within_margin", "too_few_votes", "undecided"
SAME, UNBALANCED = "same_response", "unbalanced_length"

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
    """A candidate and its votes: differences first − second, or 1 for safe and 0 for unsafe.

    chosen: people chose the first response, and did not vote. margin: by how much, if they said so.
    """

    candidate: Candidate
    votes: list[float]
    unreadable: int = 0
    chosen: bool = False
    margin: float | None = None


def preferred(judged: Judged, margin: float, min_votes: int) -> Row | str:
    """The better response as chosen, or what drops the pair: the mean must exceed the margin."""
    if judged.chosen:
        same = len(set(judged.candidate.responses)) < 2
        return SAME if same else _pair(judged.candidate, 1.0, judged.margin)
    if len(judged.votes) < min_votes:
        return TOO_FEW_VOTES
    difference = fmean(judged.votes)
    if abs(difference) <= margin:
        return WITHIN_MARGIN
    return _pair(judged.candidate, difference, abs(difference))


def _pair(candidate: Candidate, difference: float, margin: float | None) -> Row:
    chosen, rejected = candidate.responses[:: 1 if difference > 0 else -1]
    row = {"prompt": candidate.prompt, "chosen": chosen, "rejected": rejected}
    return row | {"margin": margin, "source": candidate.source}


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
            dropped[UNBALANCED] += 1
        if len(bins[1]) == len(bins[-1]) == half:
            break
    equal = min(len(bins[1]), len(bins[-1]))
    dropped[UNBALANCED] += len(bins[1]) + len(bins[-1]) - 2 * equal
    neutral = bins[0][: count - 2 * equal]
    dropped["surplus"] += len(bins[0]) - len(neutral)
    return [*bins[1][:equal], *bins[-1][:equal], *neutral]
