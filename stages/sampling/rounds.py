"""Sampling in rounds, until every problem has enough accepted answers or the budget is spent.

    rounds = Rounds(jobs, elections, config, folder)
    rounds.draw(collector, progress)
    for job, samples in rounds.samples(): ...      all samples of a problem, problem by problem

Each round says how many samples each problem gets next (stages/sampling/adaptive.py; with `fixed`
one round of N each), and each sample is accepted or has the name of the filter that drops it.
Samples are named by problem and number, so a killed stage goes through the same rounds again: the
ledger gives back what was drawn and the rest is drawn.

Memory holds counts, and of problems that still lack answers the sketches of those they have. The
samples themselves go to one Parquet file a round, in order of problems, and are merged from there;
of a dropped one only how it came to be dropped.

Where a model judges what rules cannot (open_samples.py), it does so after the last round: it
takes the place of the sampling engines. Until then such samples wait, and their problem gets
samples_per_problem of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stages.hygiene.resemblance import Different
from stages.rows.schemas import Row, write_rows
from stages.sampling.adaptive import Counts, Limits, allocate
from stages.sampling.collect import Collector, Job, Progress
from stages.sampling.elections import Election
from stages.sampling.filters import reason_of, waits
from stages.sampling.round_files import GROUP, PART, WAITS, merged, part_row
from stages.settings.values import ADAPTIVE, FIXED

if TYPE_CHECKING:
    from stages.kinds.sample.config import SampleConfig


@dataclass
class Seen:
    """What is known of each job: J counts.

    judged, correct: by the verifier, before any filter. waiting: for a model's verdict.
    """

    group: np.ndarray
    drawn: np.ndarray = field(init=False)
    judged: np.ndarray = field(init=False)
    correct: np.ndarray = field(init=False)
    accepted: np.ndarray = field(init=False)
    distinct: np.ndarray = field(init=False)
    waiting: np.ndarray = field(init=False)
    tokens: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        for name in ("drawn", "judged", "correct", "accepted", "distinct", "waiting", "tokens"):
            setattr(self, name, np.zeros(len(self.group), dtype=np.int64))

    def counts(self, jobs: np.ndarray) -> Counts:
        """What the allocation looks at, of some jobs."""
        columns = (self.drawn, self.accepted, self.distinct, self.tokens, self.group)
        return Counts(*(column[jobs] for column in columns))


class Rounds:
    """The rounds of one stage.

    elections: of the jobs without a reference, by their place. parts: files of samples that were
    drawn before and are not asked for again.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        elections: Mapping[int, Election],
        config: SampleConfig,
        folder: Path,
        parts: Sequence[Path] = (),
    ) -> None:
        self.jobs, self.elections = jobs, elections
        self.seen = Seen(_groups(jobs))
        self._config, self._folder = config, folder
        self._parts = list(parts)
        self._rounds = 0
        self._different: dict[int, Different] = {}
        self._votes = np.array([_votes(elections.get(i)) for i in range(len(jobs))], dtype=np.int64)
        self.budget = int((self._votes >= 0).sum()) * config.samples_per_problem

    def draw(self, collector: Collector, progress: Progress) -> None:
        """All rounds."""
        while (wanted := self._next()).any():
            path = self._folder / f"round-{self._rounds:05d}.parquet"
            write_rows(path, self._round(wanted, collector, progress), PART, GROUP)
            self._parts.append(path)
            self._rounds += 1

    def samples(self) -> Iterator[tuple[Job, list[Row]]]:
        """The samples of each job that was asked, in order: columns of PART."""
        for place, rows in self.places():
            yield self.jobs[place], rows

    def places(self) -> Iterator[tuple[int, list[Row]]]:
        """The same with the place of each job."""
        yield from merged(self._parts)

    def _next(self) -> np.ndarray:
        """How many samples each job gets in this round."""
        config, seen = self._config, self.seen
        if self._rounds == 0:
            first = config.samples_per_problem if config.strategy == FIXED else 1
            return np.where(self._votes < 0, 0, np.maximum(self._votes, first))
        if config.strategy == FIXED:
            return np.zeros_like(self._votes)
        left = self.budget - int(seen.drawn.sum())
        wanted = _filled(seen, config.samples_per_problem, left)
        size = min(left - int(wanted.sum()), -(-self.budget // config.adaptive.rounds))
        limits = Limits(config.max_kept_per_problem, config.adaptive.most_samples)
        known = np.flatnonzero(seen.waiting == 0)
        if len(known):
            wanted[known] = allocate(seen.counts(known), limits, max(0, size))
        return wanted

    def _round(self, wanted: np.ndarray, collector: Collector, progress: Progress) -> Iterator[Row]:
        places = np.flatnonzero(wanted).tolist()
        done, tokens = int(self.seen.drawn.sum()), int(self.seen.tokens.sum())
        jobs = [
            replace(job, n=int(wanted[i]), first=job.first + int(self.seen.drawn[i]))
            for i in places
            for job in [self.jobs[i]]
        ]

        def shown(drawn: int, _: int, new: int) -> None:
            progress(done + drawn, max(self.budget, done + drawn), tokens + new)

        for place, rows in zip(places, collector.rows(jobs, shown), strict=True):
            yield from self._judge(place, rows)

    def _judge(self, place: int, rows: Sequence[Row]) -> Iterator[Row]:
        config, seen = self._config, self.seen
        different = self._different.pop(place, None)
        different = different or Different(config.filters, config.max_resemblance)
        for row in rows:
            reason = reason_of(row, config)
            if place not in self.elections and waits(row, config):
                reason = WAITS
                seen.waiting[place] += 1
            seen.accepted[place] += reason is None
            reason = reason or different.repeats(row["completion"])
            seen.distinct[place] += reason is None
            seen.judged[place] += row["score"] is not None
            seen.correct[place] += row["score"] == 1.0
            seen.tokens[place] += row["tokens"]
            if row["score"] == 1.0 and place in self.elections:
                row = row | {"reason": str(self.elections[place])}
            yield part_row(place, int(seen.drawn[place]), row, reason)
            seen.drawn[place] += 1
        full = seen.distinct[place] >= config.max_kept_per_problem
        if config.strategy == ADAPTIVE and not full:
            self._different[place] = different


def _groups(jobs: Sequence[Job]) -> np.ndarray:
    """A number for each job's domain and language."""
    cells = [(job.problem["domain"], job.problem["language"]) for job in jobs]
    numbers = {cell: number for number, cell in enumerate(sorted(set(cells), key=str))}
    return np.array([numbers[cell] for cell in cells], dtype=np.int64)


def _filled(seen: Seen, samples: int, left: int) -> np.ndarray:
    """How many samples jobs whose answers wait for a model still get: as many as `fixed` gives.

    Nobody knows how many of them will be accepted, so they neither give to other jobs nor take.
    """
    wanted = np.where(seen.waiting > 0, np.maximum(samples - seen.drawn, 0), 0)
    before = np.cumsum(wanted) - wanted
    return np.clip(wanted, 0, np.maximum(left - before, 0))


def _votes(election: Election | None) -> int:
    """The samples that a job has from its election; −1 for one that is not to be asked."""
    if election is None:
        return 0
    return election.samples if election.answer is not None else -1
