"""Samples that no rule could judge, judged by a model after all were drawn.

A sample waits for the judge (`waits` in stages/sampling/filters.py) where its verifier gave no
verdict, an answer can be compared with its problem's reference, and no filter would drop it if it
were right: nothing is asked for nothing. The verdict of a rule is never looked at again. What the
model says goes through the same filters, under names of its own: `judged_by_model_wrong`, and
`judge_unreadable` where its votes decide nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.errors import RecipeError
from stages.hygiene.resemblance import Different
from stages.judging.answer_judge import AnswerJudge, Opinion, claim_of
from stages.rows.schemas import Row
from stages.sampling.collect import Job
from stages.sampling.filters import reason_of
from stages.sampling.round_files import WAITS
from stages.sampling.rounds import Rounds

if TYPE_CHECKING:
    from stages.kinds.sample.config import SampleConfig

GENERATIVE = "generative"  # the verifier of rows that no rule can judge
RIGHT, WRONG, UNREADABLE = "judged_by_model_right", "judged_by_model_wrong", "judge_unreadable"
NOT_SHOWN = "not_shown_to_judge"
NO_VERDICT = "cannot_judge"
DROPS = (WRONG, UNREADABLE)  # in place of the filters `wrong` and `cannot_judge`
TOGETHER = 1024  # problems whose samples are judged in one go, and in memory


def require_judge(problems: Iterable[Row], config: SampleConfig, key: str) -> None:
    """Refuse to draw samples that nobody can judge and that are then dropped for it."""
    if config.generative_judge is not None or NO_VERDICT not in config.filters:
        return
    open_ = [problem["id"] for problem in problems if problem["verifier"] == GENERATIVE]
    if open_:
        raise RecipeError(
            f"{key}.judge_with: {len(open_)} problems have verifier={GENERATIVE}, e.g. {open_[0]}, "
            f"and no model judges them, so all their samples would be dropped as {NO_VERDICT}.\n"
            "Name a judge (docs/generative_judge.md), or leave these problems out of data_from."
        )


@dataclass
class Judgements:
    """Gives the samples of rounds with a model's verdict where one waits for it, and counts."""

    judge: AnswerJudge
    rounds: Rounds
    config: SampleConfig
    counts: Counter[str] = field(default_factory=Counter)
    by_rule: int = 0  # samples without a rule's verdict

    def samples(self) -> Iterator[tuple[Job, list[Row]]]:
        """As `Rounds.samples`, and no row waits any more."""
        self.counts.update(dict.fromkeys((RIGHT, WRONG, UNREADABLE, NOT_SHOWN), 0))
        self.by_rule = int((self.rounds.seen.drawn - self.rounds.seen.judged).sum())
        samples = self.rounds.places()
        while group := list(islice(samples, TOGETHER)):
            waiting = [
                (self.rounds.jobs[place].problem, row)
                for place, rows in group
                for row in rows
                if row["dropped_by"] == WAITS
            ]
            claims = [claim_of(problem, row["answer"]) for problem, row in waiting]
            for (problem, row), said in zip(waiting, self.judge.opinions(claims), strict=True):
                self._settle(problem, row, said)
            for place, rows in group:
                self._recount(place, rows)
                yield self.rounds.jobs[place], rows

    def facts(self) -> dict[str, int]:
        """Samples without a rule's verdict, and without any; and what the model said of others."""
        left = self.by_rule - self.counts[RIGHT] - self.counts[WRONG]
        return {"cannot_judge_by_rule": self.by_rule, NO_VERDICT: left, **self.counts}

    def _settle(self, problem: Row, row: Row, said: Opinion) -> None:
        name = {1.0: RIGHT, 0.0: WRONG, None: UNREADABLE if said.votes else NOT_SHOWN}[said.score]
        self.counts[name] += 1
        row |= {"score": said.score, "reason": str(said)}
        reason = reason_of(problem | row, self.config)
        row["dropped_by"] = name if reason in ("wrong", NO_VERDICT) and said.votes else reason

    def _recount(self, place: int, rows: list[Row]) -> None:
        """What pass_rates.parquet says of a problem whose samples waited.

        No rate: rules judged only its broken samples, and the model only its readable ones.
        """
        seen = self.rounds.seen
        if seen.waiting[place]:
            different = Different(self.config.filters, self.config.max_resemblance)
            kept = [row["completion"] for row in rows if row["dropped_by"] is None]
            seen.judged[place] = seen.correct[place] = 0
            seen.accepted[place] = len(kept)
            seen.distinct[place] = sum(different.repeats(text) is None for text in kept)
