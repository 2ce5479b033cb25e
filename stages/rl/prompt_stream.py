"""Which prompts an RL stage asks next: epoch after epoch, past those that have nothing to teach.

A group that is all right or all wrong has no advantage, so a prompt that is always or never solved
costs samples for nothing. The curriculum lets such a prompt rest for `rest_steps` optimiser steps.
Then it is asked again, since by then the policy is another; its answers are counted anew. A rollout
never runs short: while fewer prompts are awake than it asks for, those whose rest ends first are
woken, and then asked more than once. What waits for the step of its domain (`hold`) is not woken.

What was drawn and what was seen is the whole state. A checkpoint holds it, so that a resumed run
asks on as the uninterrupted one would have.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from stages.kinds.rl.config import Curriculum


class Visit(NamedTuple):
    """A prompt was asked: how many of its answers could be judged, and how many were right."""

    prompt: int
    judged: int
    solved: int


class PromptStream:
    """Prompt numbers, in seeded permutations of `count`; the same on every process."""

    def __init__(self, count: int, seed: int, curriculum: Curriculum) -> None:
        self.count = count
        self.curriculum = curriculum
        self._rng = random.Random(seed)
        self._order: list[int] = []
        self._drawn = 0
        self._awake_from: dict[int, int] = {}  # resting prompt → optimiser step
        self._starts: Mapping[int, int] = {}  # of held prompts
        self._seen: dict[int, tuple[int, int]] = {}  # judged and solved since it was last decided

    def take(self, count: int, step: int) -> list[int]:
        """The next `count` prompts for the rollout that begins at optimiser step `step`."""
        self._wake(count, step)
        taken: list[int] = []
        while len(taken) < count:
            number = self._next()
            if number not in self._awake_from:
                taken.append(number)
        return taken

    def record(self, visits: Iterable[Visit], step: int) -> None:
        """Count the answers of optimiser step `step`; what is always or never solved rests."""
        if self.curriculum.rest_steps:
            for visit in visits:
                self._count(visit, step)

    def start_from(self, rates: Mapping[int, tuple[int, int]]) -> None:
        """What is known before the run: judged and solved answers by prompt, of another stage."""
        self.record((Visit(number, *counts) for number, counts in rates.items()), step=0)
        self._seen.clear()  # another model's answers: good for a first guess, not for a share

    def hold(self, starts: Mapping[int, int]) -> None:
        """Prompts that are not asked before their optimiser step; some must have no such step."""
        self._starts = starts
        for number, step in starts.items():
            if step > 0:
                self._awake_from[number] = max(step, self._awake_from.get(number, 0))

    def resting(self) -> int:
        """How many prompts rest."""
        return len(self._awake_from)

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "drawn": self._drawn,
            "awake_from": sorted(self._awake_from.items()),
            "seen": sorted((number, *counts) for number, counts in self._seen.items()),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self._drawn = state["drawn"]
        self._awake_from = dict(state["awake_from"])
        self._seen = {number: (judged, solved) for number, judged, solved in state["seen"]}

    def _next(self) -> int:
        while len(self._order) <= self._drawn:
            self._order += self._rng.sample(range(self.count), self.count)
        self._drawn += 1
        return self._order[self._drawn - 1]

    def _wake(self, count: int, step: int) -> None:
        """End the rests that are over, and as many more as it takes to have `count` awake."""
        short = min(count, self.count) - (self.count - len(self._awake_from))
        by_end = sorted(self._awake_from, key=lambda number: (self._awake_from[number], number))
        askable = [number for number in by_end if self._starts.get(number, 0) <= step]
        for place, number in enumerate(askable):
            if place < short or self._awake_from[number] <= step:
                del self._awake_from[number]

    def _count(self, visit: Visit, step: int) -> None:
        judged, solved = self._seen.pop(visit.prompt, (0, 0))
        judged, solved = judged + visit.judged, solved + visit.solved
        if judged < self.curriculum.samples:
            self._seen[visit.prompt] = (judged, solved)
        elif not self.curriculum.never < solved / judged < self.curriculum.always:
            self._awake_from[visit.prompt] = step + self.curriculum.rest_steps
