"""In which parts an engine trains an RL stage. No torch here: the plan's numbers use it too.

Engines have fixed settings from start to end, and verl has no reference that is replaced. So a
stage is cut where a setting changes: at every `reference_sync_steps` (the paper's 400 are 25
rollouts of 16), where a length limit, a reward or a domain's prompts begin or end, and where
rollouts have another length, as those beside such a step that is no multiple of theirs
(stages/rl/schedule.py).

An engine counts rollouts, a recipe optimiser steps; both are counted from 0 here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from stages.rl.schedule import rollouts_of
from stages.settings.engine import SLIME

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig


@dataclass(frozen=True)
class Segment:
    """Rollouts that one start of an engine makes, all of `per_rollout` optimiser steps.

    steps: the optimiser steps. first, end: its rollouts are first … end − 1 of the stage.
    reference: the step whose weights are the reference; 0 is the stage's start.
    """

    steps: range
    first: int
    end: int
    per_rollout: int
    reference: int

    def step_after(self, rollouts: int) -> int:
        """The optimiser steps that are done when so many rollouts of the stage are."""
        return self.steps.start + (rollouts - self.first) * self.per_rollout

    @property
    def rollouts(self) -> range:
        """The numbers of its rollouts."""
        return range(self.first, self.end)


def segments_of(config: RLConfig) -> list[Segment]:
    """The segments of a stage, in order; together they make every step once."""
    rollouts = list(_rollouts(config))
    starts = [0, *_starts(config, rollouts), len(rollouts)]
    sync = config.reference_sync_steps
    found = []
    for first, end in pairwise(starts):
        steps = range(rollouts[first].start, rollouts[end - 1].stop)
        reference = steps.start - steps.start % sync if sync else 0
        found.append(Segment(steps, first, end, len(rollouts[first]), reference))
    return found


def _rollouts(config: RLConfig) -> Iterator[range]:
    cut, step = rollouts_of(config), 0
    while step < config.max_steps:
        yield (steps := cut.at(step))
        step = steps.stop


def _starts(config: RLConfig, rollouts: list[range]) -> Iterator[int]:
    """The rollouts after the first that begin a segment."""
    cuts = rollouts_of(config).cuts
    sync = 0 if config.engine.name == SLIME else config.reference_sync_steps  # it syncs by itself
    for number, (before, steps) in enumerate(pairwise(rollouts), start=1):
        syncs = bool(sync) and steps.start % sync == 0
        if syncs or steps.start in cuts or len(steps) != len(before):
            yield number
