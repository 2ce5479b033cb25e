"""The groups of a rollout: asked, scored, and replaced where all their rewards are equal.

A group whose rewards are all equal has no advantage. With `dynamic_sampling.budget` it gives way
to a group of the next prompt, as in DAPO (arXiv 2503.14476, 3.2), until every group has a signal or
the budget is spent; what was drawn in vain is counted as spent. With a KL term in the loss a group
without signal still has a gradient, that of the KL: replaced, it has none, and kept, its rows are
run like all others.

Which prompts are asked, in what order and with which seeds follows from the stage's seed, the step
and the rewards alone, so a resumed run draws the same groups. Each process answers its own part of
a rollout; all of them know the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from pipeline import meter, threads
from stages.rewards.terms import Batch, Scores, Term
from stages.rl.algorithms.advantages import FULL
from stages.rl.peers import Peers
from stages.rl.prompt_stream import PromptStream, Visit
from stages.rl.prompts import Prompt
from stages.rl.rewards import weights_at, without_signal
from stages.rollout.engine import Completion, Finished, GenerationRequest
from stages.verifiers.answer import Parsed, policy_of

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig

ACCURACY = "accuracy"  # the term that says whether a prompt was solved

#: Asks for the rollout of an optimiser step. All processes ask together, also for nothing.
Answer = Callable[[Sequence[GenerationRequest], int], Iterator[Finished]]


class Sample(NamedTuple):
    """A completion, taken apart once for all that read it; the scores of all terms (None: none)."""

    completion: Completion
    parsed: Parsed
    scores: Scores


@dataclass(frozen=True)
class Group:
    """One prompt's samples."""

    prompt: int
    samples: list[Sample]

    @property
    def completions(self) -> list[Completion]:
        return [sample.completion for sample in self.samples]

    @property
    def scores(self) -> list[Scores]:
        return [sample.scores for sample in self.samples]

    def rewards(self) -> torch.Tensor:
        """The scores as (completions, terms), NaN for None."""
        return torch.tensor([[math.nan if s is None else s for s in row] for row in self.scores])


@dataclass
class Spent:
    """What a rollout cost, on all processes: completions drawn, and groups that were replaced."""

    samples: int = 0
    replaced: int = 0


class _Place(NamedTuple):
    """Where in the rollout a prompt is asked; `seat` counts on past the rollout's own groups."""

    slot: int
    prompt: int
    seat: int


class _Report(NamedTuple):
    """What every process has to know of a group."""

    slot: int
    silent: bool
    visit: Visit


class GroupDrawer:
    """Draws this process's part of each rollout."""

    def __init__(
        self,
        config: RLConfig,
        prompts: Sequence[Prompt],
        terms: Sequence[Term],
        stream: PromptStream,
        peers: Peers,
        answer: Answer,
    ) -> None:
        self.config = config
        self.prompts = prompts
        self.terms = terms
        self.stream = stream
        self.peers = peers
        self.answer = answer
        self.policy = policy_of(config.verifiers)
        self.spent = Spent()

    def draw(self, count: int, step: int) -> list[Group]:
        """`count` groups for this process, for the rollout that begins at optimiser step `step`."""
        total = count * self.peers.size
        first = self.peers.rank * count
        left = int(self.config.dynamic_sampling.budget * total)
        groups: dict[int, Group] = {}
        slots = list(range(total))
        self.spent = Spent()
        seat = 0
        while slots:
            numbers = self.stream.take(len(slots), step)
            pairs = zip(slots, numbers, strict=True)
            places = [_Place(slot, number, seat + i) for i, (slot, number) in enumerate(pairs)]
            seat += len(slots)
            mine = [place for place in places if first <= place.slot < first + count]
            groups |= self._ask(mine, step)
            reports = self._share([(place.slot, groups[place.slot]) for place in mine], step)
            self.stream.record((report.visit for report in reports), step)
            slots = [report.slot for report in reports if report.silent][:left]
            left -= len(slots)
            self.spent.replaced += len(slots)
        self.spent.samples = seat * self.config.samples_per_question
        return [groups[slot] for slot in range(first, first + count)]

    def _ask(self, places: Sequence[_Place], step: int) -> dict[int, Group]:
        """The answers to the prompts, scored while others are still being generated."""
        size = self.config.samples_per_question
        base = (self.config.seed << 40) + (step << 20)
        requests = [
            GenerationRequest(self.prompts[at.prompt].token_ids, size, base + at.seat * size)
            for at in places
        ]
        groups = {at.slot: Group(at.prompt, []) for at in places}
        with threads.Executor(1) as scorer:
            with meter.phase("rollout"):
                scored = [
                    (batch, scorer.submit(self._score, places, batch, step))
                    for batch in self.answer(requests, step)
                ]
            with meter.phase("reward"):  # what was not done while others were generated
                for batch, found in scored:
                    for (request, _), sample in zip(batch, found.result(), strict=True):
                        groups[places[request].slot].samples.append(sample)
        return groups

    def _score(
        self, places: Sequence[_Place], batch: Sequence[tuple[int, Completion]], step: int
    ) -> list[Sample]:
        """The samples, with the score of each term; None where it does not act or cannot judge."""
        asked = [self.prompts[places[request].prompt] for request, _ in batch]
        texts = [completion.text for _, completion in batch]
        rows = Batch.of([p.row for p in asked], texts, self.policy)
        columns = [
            term.score(rows) if term.weight_at(step) else [None] * len(texts) for term in self.terms
        ]
        completions = (completion for _, completion in batch)
        scores = map(list, zip(*columns, strict=True))
        return [Sample(*parts) for parts in zip(completions, rows.parsed, scores, strict=True)]

    def _share(self, groups: Iterable[tuple[int, Group]], step: int) -> list[_Report]:
        """The reports on all processes' groups, in the order of their places."""
        weights_T = weights_at(self.terms, step)
        size = self.config.samples_per_question
        reports = []
        for slot, group in groups:
            silent = without_signal(group.rewards(), weights_T, size)
            reports.append(_Report(slot, bool(silent), self._visit(group)))
        return sorted(self.peers.all(reports))

    def _visit(self, group: Group) -> Visit:
        judged = [score for score in self._column(group, ACCURACY) if score is not None]
        return Visit(group.prompt, len(judged), sum(score >= FULL for score in judged))

    def _column(self, group: Group, name: str) -> Scores:
        names = [term.name for term in self.terms]
        return [row[names.index(name)] for row in group.scores] if name in names else []
