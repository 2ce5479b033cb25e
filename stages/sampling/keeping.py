"""From the samples of a problem to the rows that are kept: rewriting, repetitions, the quota."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from stages.hygiene.resemblance import Different, most_diverse
from stages.rewriting.rewrite import Rewriter, rewritten
from stages.rows.schemas import PROBLEM, Row
from stages.sampling.collect import Job
from stages.sampling.funnel import OVER_QUOTA
from stages.sampling.round_files import COLUMNS
from stages.verifiers.pool import VerifierPool

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from stages.kinds.sample.config import SampleConfig

TOGETHER = 1024  # problems whose samples are rewritten in one go, and in memory


@dataclass(frozen=True)
class Keeping:
    """Chooses what is kept. rewriter: None keeps samples as they are."""

    config: SampleConfig
    rewriter: Rewriter | None
    pool: VerifierPool
    tokenizer: PreTrainedTokenizerBase

    def of(
        self, samples: Iterable[tuple[Job, list[Row]]]
    ) -> Iterator[tuple[Job, list[Row], list[Row]]]:
        """Each job, its samples with `dropped_by` (None: kept), and the kept rows of SAMPLE."""
        samples = iter(samples)
        while group := list(islice(samples, TOGETHER)):
            rows = [_rows(job, drawn) for job, drawn in group]
            if self.rewriter:
                self._rewrite(self.rewriter, group, rows)
            for (job, drawn), accepted in zip(group, rows, strict=True):
                yield job, drawn, self._quota(drawn, accepted)

    def _rewrite(
        self, rewriter: Rewriter, group: list[tuple[Job, list[Row]]], rows: list[dict[int, Row]]
    ) -> None:
        """Puts the rewritten rows in place of the accepted ones, and says why others are gone."""
        places = [(i, number) for i, accepted in enumerate(rows) for number in accepted]
        old = [rows[i][number] for i, number in places]
        results = rewritten(old, rewriter, self.pool, self.tokenizer, self.config)
        for (i, number), (row, reason) in zip(places, results, strict=True):
            if reason is None:
                rows[i][number] = row
            else:
                del rows[i][number]
                group[i][1][number]["dropped_by"] = reason

    def _quota(self, drawn: list[Row], accepted: dict[int, Row]) -> list[Row]:
        """No two alike, also after rewriting, and of these at most the quota, the least similar."""
        different = Different(self.config.filters, self.config.max_resemblance)
        for number, row in list(accepted.items()):
            if reason := different.repeats(row["completion"]):
                drawn[number]["dropped_by"] = reason
                del accepted[number]
        kept = most_diverse(list(accepted.values()), self.config.max_kept_per_problem)
        stays = {id(row) for row in kept}
        for number, row in accepted.items():
            if id(row) not in stays:
                drawn[number]["dropped_by"] = OVER_QUOTA
        return kept


def _rows(job: Job, drawn: list[Row]) -> dict[int, Row]:
    """The accepted samples of a job as rows of SAMPLE, by their place among its samples."""
    problem = {name: job.problem[name] for name in PROBLEM.names}
    return {
        place: problem | {name: sample[name] for name in COLUMNS}
        for place, sample in enumerate(drawn)
        if sample["dropped_by"] is None
    }
