"""Accuracy against thinking: the same samples, forced to think less or made to think more.

Each setting (a budget, or a number of waits) gives a point, how much was thought and how many
answers are right then, and a row per problem, since two settings share their problems and are
compared in pairs. forcing.py says what is forced. Reasoning problems only. The samples are read
back from the ledger a group of problems at a time, so memory holds no more than a shard, and what
is drawn anew goes through it too: a kill loses nothing.

A thought that never ends is forced to answer in every setting and counted as `never_ended`; there
is no end to take away from it, so waits leave it as it is. Nor do they touch a sample whose thought
has no end for another reason (`no_end`), or that the model's window has no room for (`no_room`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from stages.rows.schemas import Row
from stages.sampling.collect import Collector, Job, Progress, grouped
from stages.scoring.budget_points import BUDGETS, WAITS, Forced, Place, Samples
from stages.scoring.forcing import (
    Ids,
    Tags,
    exceeds,
    forced_job,
    never_ended,
    wait_ids,
    waited_job,
)
from stages.scoring.measures import group_of

if TYPE_CHECKING:
    from stages.kinds.evaluate.config import EvaluateConfig


@dataclass
class _Waiting:
    """The samples after some waits, those that went along with all, and why others did not."""

    samples: Samples
    along: list[Place]
    left: dict[str, list[Place]] = field(default_factory=lambda: {"no_end": [], "no_room": []})


class BudgetCurve:
    """Asks for every problem's row under each of an evaluation's `budgets` and `waits`.

    collector: the one that drew the samples of the evaluation. window: how many tokens the model
    sees, None where it does not say.
    """

    def __init__(
        self, config: EvaluateConfig, collector: Collector, window: int | None, progress: Progress
    ) -> None:
        self.config, self.window, self.progress = config, window, progress
        self.thinker = collector.sampling_as(config.sampling)  # sees what was drawn by now
        answer = dataclasses.replace(config.sampling, max_tokens=config.answer_tokens)
        self.answerer = collector.sampling_as(answer)
        self.tokenizer = collector.engine.tokenizer
        self.tags = Tags.of(self.tokenizer)

    def rows(self, jobs: Sequence[Job]) -> Iterator[Row]:
        """The rows of budgets.parquet for the samples that these jobs name."""
        if not self.config.budgets and not self.config.waits:
            return
        reasoning = [job for job in jobs if group_of(job.problem["domain"]) == "reasoning"]
        for group in grouped(reasoning, self.thinker.shard_samples):
            samples = list(self.thinker.rows(group, self.progress))
            budgets = (self._cut(group, samples, b) for b in sorted(set(self.config.budgets)))
            waits = self._waits(group, samples, set(self.config.waits))
            for forced in chain(budgets, waits):
                yield from forced.rows(group)

    def _cut(self, jobs: Sequence[Job], samples: Samples, budget: int) -> Forced:
        """Thoughts cut at this budget."""
        thinking = self._thinking(samples)
        over = [
            (i, j) for i, j in _places(samples) if exceeds(samples[i][j], thinking[i][j], budget)
        ]
        used = [[min(tokens, budget) for tokens in row] for row in thinking]
        places = {"forced": over, "never_ended": _unended(samples)}
        return Forced(BUDGETS, budget, self._scores(jobs, samples, over, budget), used, places)

    def _waits(
        self, jobs: Sequence[Job], samples: Samples, amounts: Collection[int]
    ) -> Iterator[Forced]:
        """Thoughts made to go on, up to the largest number of times."""
        state = _Waiting([list(rows) for rows in samples], _places(samples))
        for amount in range(max(amounts, default=-1) + 1):
            if amount:
                self._wait(jobs, state)
            if amount in amounts:
                yield self._waited(jobs, samples, state, amount)

    def _wait(self, jobs: Sequence[Job], state: _Waiting) -> None:
        """Make every thought that can go on do so, once more."""
        along: dict[Place, Job] = {}
        for i, j in state.along:
            row = state.samples[i][j]
            longer = waited_job(jobs[i], j, row, self._word(jobs[i]), self.tags)
            if not self.tags.ended(row):
                state.left["no_end"] += [] if never_ended(row) else [(i, j)]
            elif not self._fits(longer):
                state.left["no_room"].append((i, j))
            else:
                along[i, j] = longer
        answers = self.thinker.rows(list(along.values()), self.progress)
        for (i, j), (row,) in zip(along, answers, strict=True):
            state.samples[i][j] = row
        state.along = list(along)

    def _waited(
        self, jobs: Sequence[Job], samples: Samples, state: _Waiting, amount: int
    ) -> Forced:
        """How things stand after so many waits; thoughts that never ended must answer."""
        unended = _unended(state.samples)
        moved = {(i, j) for i, j in _places(samples) if state.samples[i][j] is not samples[i][j]}
        places = {"forced": [*moved.union(unended)], "never_ended": unended}
        places |= {name: list(left) for name, left in state.left.items()}
        scores = self._scores(jobs, state.samples, unended, None)
        return Forced(WAITS, amount, scores, self._thinking(state.samples), places)

    def _scores(
        self, jobs: Sequence[Job], samples: Samples, forced: Sequence[Place], budget: int | None
    ) -> list[list[float | None]]:
        """The scores of the samples, those of `forced` after an answer that was forced."""
        scores = [[row["score"] for row in rows] for rows in samples]
        asked = [forced_job(jobs[i], j, samples[i][j], budget, self.tags) for i, j in forced]
        answers = self.answerer.rows(asked, self.progress)
        for (i, j), (row,) in zip(forced, answers, strict=True):
            scores[i][j] = row["score"]
        return scores

    def _fits(self, job: Job) -> bool:
        """Whether the model sees all of a longer thought, and of what follows it."""
        if self.window is None:
            return True
        forced = len(self.tags.end_think) + self.config.answer_tokens
        more = self.config.sampling.max_tokens + forced
        return len(job.prompt_ids) + len(job.prefix_ids) + more <= self.window

    def _word(self, job: Job) -> Ids:
        return wait_ids(self.config.wait_words, job.problem["language"], self.tokenizer)

    def _thinking(self, samples: Samples) -> list[list[int]]:
        return [[self.tags.thinking_tokens(row) for row in rows] for rows in samples]


def _places(samples: Samples) -> list[Place]:
    return [(i, j) for i, rows in enumerate(samples) for j in range(len(rows))]


def _unended(samples: Samples) -> list[Place]:
    return [(i, j) for i, j in _places(samples) if never_ended(samples[i][j])]
