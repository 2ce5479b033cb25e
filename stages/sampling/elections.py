"""Labels by majority vote, for problems that come without a reference.

Some samples of such a problem are drawn and their answers put into classes of equal ones
(votes.py). The most frequent class becomes the reference if it has votes enough and a large enough
share of the samples; samples without an answer count against it. The samples that voted are then
judged by it like all others. A majority can be wrong: what it labels says so in the row's `reason`,
and the share asked for is the only guard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import RecipeError
from stages.rows.schemas import Row, RowWriter
from stages.rows.sources import BY_METADATA
from stages.sampling.collect import Collector, Job, Progress
from stages.sampling.round_files import GROUP, PART, part_row
from stages.scoring.votes import classes
from stages.verifiers.pool import VerifierPool

if TYPE_CHECKING:
    from stages.kinds.sample.config import Majority

NO_REFERENCE = "no_reference"
NO_MAJORITY = "no_majority"
TOGETHER = 256  # problems whose votes are counted at once


@dataclass(frozen=True)
class Election:
    """The answer that most of the samples gave, if it was elected, and how many gave it."""

    answer: str | None
    votes: int
    samples: int

    def __str__(self) -> str:
        return f"equals the majority ({self.votes} of {self.samples} samples)"


def lacks_reference(problem: Row) -> bool:
    """Whether its verifier has nothing to compare an answer with."""
    return problem["reference"] is None and problem["verifier"] not in BY_METADATA


def require_reference(problems: Sequence[Row], key: str) -> None:
    """Refuse problems whose answers nobody could judge; `key` is where they come in."""
    if bare := [row for row in problems if lacks_reference(row)]:
        raise RecipeError(
            f"{key}: {len(bare)} of {len(problems)} problems have no reference "
            f"answer, e.g. {bare[0]['id']} (verifier `{bare[0]['verifier']}`), so nothing can "
            "judge what a model answers. Leave them out where the data come from: "
            "stages.<its stage>.without_reference=drop"
        )


def label(
    jobs: Sequence[Job], collector: Collector, rule: Majority, part: Path, progress: Progress
) -> tuple[list[Job], dict[int, Election]]:
    """The jobs, with a reference where one was elected, and what was elected of which job.

    The samples of jobs without a majority go to `part`: they were drawn, and count. Those of the
    others are read again from the ledger when it is opened anew.
    """
    places = [i for i, job in enumerate(jobs) if lacks_reference(job.problem)]
    asked = [replace(jobs[i], n=rule.samples) for i in places]
    found: dict[int, Election] = {}
    with RowWriter(part, PART, GROUP) as writer:
        voted = _elections(collector.rows(asked, progress), rule, collector.pool)
        for place, (rows, election) in zip(places, voted, strict=True):
            found[place] = election
            for number, row in enumerate(rows if election.answer is None else ()):
                writer.write(part_row(place, number, row, NO_MAJORITY))
    return [_labelled(job, found.get(i)) for i, job in enumerate(jobs)], found


def _labelled(job: Job, election: Election | None) -> Job:
    answer = election and election.answer
    return job if answer is None else replace(job, problem=job.problem | {"reference": answer})


def _elections(
    drawn: Iterable[list[Row]], rule: Majority, pool: VerifierPool
) -> Iterator[tuple[list[Row], Election]]:
    """The samples of each problem and what they elect, in order."""
    drawn = iter(drawn)
    while group := list(islice(drawn, TOGETHER)):
        for rows, votes in zip(group, classes(group, pool), strict=True):
            yield rows, _elect(rows, votes, rule)


def _elect(rows: Sequence[Row], votes: Sequence[str | None], rule: Majority) -> Election:
    counts = Counter(vote for vote in votes if vote is not None)
    if not counts:
        return Election(None, 0, len(rows))
    ((first, count),) = counts.most_common(1)
    enough = count >= rule.min_votes and count >= rule.min_share * len(rows)
    alone = list(counts.values()).count(count) == 1  # of two equal ones neither is a majority
    if not (enough and alone):
        return Election(None, count, len(rows))
    answer = next(row["answer"] for row, vote in zip(rows, votes, strict=True) if vote == first)
    return Election(answer, count, len(rows))
