"""From judged samples to rows of problems, a batch of problems at a time.

What a problem's row says (measures.py) needs all its samples: their classes for the vote
(votes.py), what reward models think of them, and the measures of each. Batches let the pool compare
and the reward models score many at once; their size changes no result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa

from stages.rewards.preference import Scorer
from stages.rollout.engine import PROMPT_TOO_LONG
from stages.rows.query_kind import judges
from stages.rows.schemas import SAMPLE, Row, write_rows
from stages.sampling.collect import Job
from stages.scoring.forcing import Tags, never_ended
from stages.scoring.measures import GOLD, Asked, measure, problem_row, reward_column
from stages.scoring.votes import can_vote, classes
from stages.settings.tiny_judge import Judge
from stages.tiny.judge import gold
from stages.verifiers.pool import VerifierPool

Sampled = tuple[Job, list[Row]]  # a problem's job and its samples


@dataclass
class Seen:
    """What is kept of the samples, which themselves go to a file."""

    rows: list[Row] = field(default_factory=list)  # of problems.parquet
    samples: int = 0
    never_ended: int = 0
    too_long: int = 0  # prompts that a server refused


@dataclass(frozen=True)
class Examiner:
    """Who looks at samples, and for what. batch: how many samples together.

    judge: the tiny world's, where its own scores are asked for.
    """

    pool: VerifierPool
    tags: Tags
    asked: Asked
    scorers: Mapping[str, Scorer]
    checking_words: Sequence[str]
    batch: int
    judge: Judge | None = None

    def write(self, sampled: Iterable[Sampled], path: Path) -> Seen:
        """The samples go to the file as they come; what is kept of them comes back."""
        columns = [reward_column(term) for term in self.asked.rewards]
        columns += [GOLD] if self.judge else []
        schema = pa.schema([*SAMPLE, *((name, pa.float64()) for name in columns)])
        seen = Seen()

        def flat() -> Iterator[Row]:
            for problem, rows in self.examine(_whole(sampled, seen)):
                seen.rows.append(problem)
                seen.samples += len(rows)
                seen.never_ended += sum(map(never_ended, rows))
                yield from ({name: row[name] for name in schema.names} for row in rows)

        write_rows(path, flat(), schema)
        return seen

    def examine(self, sampled: Iterable[Sampled]) -> Iterator[tuple[Row, list[Row]]]:
        """The row of every problem, and its samples with the reward models' scores."""
        problems = iter(sampled)
        size = max(1, self.batch // self.asked.samples)
        while group := list(islice(problems, size)):
            self._reward(list(chain.from_iterable(rows for _, rows in group)))
            for (job, rows), votes in zip(group, self._votes(group), strict=True):
                measures = [
                    measure(row, self.tags.thinking_tokens(row), self.checking_words)
                    for row in rows
                ]
                yield problem_row(job.problem, rows, measures, votes, self.asked), rows

    def _votes(self, group: Sequence[Sampled]) -> list[list[str | None] | None]:
        """The classes of each problem's answers, where these can be voted on and are enough."""
        voting = [
            i
            for i, (job, rows) in enumerate(group)
            if can_vote(job.problem) and len(rows) >= self.asked.voters
        ]
        found = dict(zip(voting, classes([group[i][1] for i in voting], self.pool), strict=True))
        return [found.get(i) for i in range(len(group))]

    def _reward(self, rows: Sequence[Row]) -> None:
        """A column for each reward model, empty where it is not asked or has nothing to read; and
        what the judge says itself.
        """
        if self.judge:
            for row in rows:
                row[GOLD] = gold(row, row["answer"], self.judge)
        for term, scorer in self.scorers.items():
            for row in rows:
                row[reward_column(term)] = None
            own = [row for row in rows if judges(term, row, self.asked.stated)]
            prompts = [scorer.render(row["prompt"]) for row in own]
            scores = scorer.read(prompts, [row["completion"] for row in own])
            for row, score in zip(own, scores, strict=True):
                row[reward_column(term)] = score


def _whole(sampled: Iterable[Sampled], seen: Seen) -> Iterator[Sampled]:
    """Without the prompts that were too long for the model, where only its server could tell."""
    for job, rows in sampled:
        if any(row["finish_reason"] == PROMPT_TOO_LONG for row in rows):
            seen.too_long += 1
        else:
            yield job, rows
