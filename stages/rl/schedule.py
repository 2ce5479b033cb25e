"""Which optimiser steps each rollout of RL is for. No torch here: the plan's numbers use it too.

A rollout is for `steps_per_rollout` steps and begins at a multiple of them. It is cut where a
schedule changes what is asked, how long answers may be or what they earn: `prompts_start`,
`length_switches`, `start` and `stop` of a reward. The paper's 1,300 (3.2.2) lies inside 1,296 to
1,312, so the completions of four steps are drawn at 1,296 and those of the other twelve at 1,300,
by the policy of that step. The last rollout ends with the run. Nothing is drawn that no step trains
on, and checkpoints stay at the multiples.

Steps are counted from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stages.rewards.schedule import steps_of

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig


@dataclass(frozen=True)
class Rollouts:
    """The rollouts of a run of `max_steps` steps: of `steps` each, cut at the steps of `cuts`."""

    steps: int
    max_steps: int
    cuts: tuple[int, ...]

    def at(self, step: int) -> range:
        """The optimiser steps of the rollout that trains `step`."""
        begin = step - step % self.steps
        starts = [begin, *(cut for cut in self.cuts if begin < cut <= step)]
        stops = [begin + self.steps, self.max_steps, *(cut for cut in self.cuts if cut > step)]
        return range(max(starts), min(stops))

    def inside(self) -> list[int]:
        """The steps at which a rollout is cut: changes that are no multiple of its steps."""
        return [cut for cut in self.cuts if cut % self.steps]


def rollouts_of(config: RLConfig) -> Rollouts:
    """The rollouts of a stage by its config."""
    changes = [
        *config.prompts_start.values(),
        *(end for term in config.rewards.values() for end in (term.start, term.stop)),
        *(switch.step for switch in config.length_switches),
    ]
    steps = {steps_of(change, config.max_steps) for change in changes}
    cuts = sorted(step for step in steps if step is not None and 0 < step < config.max_steps)
    return Rollouts(config.steps_per_rollout, config.max_steps, tuple(cuts))


def max_tokens_at(config: RLConfig, step: int) -> int:
    """The length limit at an optimiser step (paper, 2.1: 32,768 and, from step 8,200, 65,536)."""
    reached = [switch for switch in config.length_switches if switch.step <= step]
    if not reached:
        return config.sampling.max_tokens
    return max(reached, key=lambda switch: switch.step).max_tokens


def length_limits(config: RLConfig) -> dict[str, int]:
    """How many tokens a completion may have at some step of the run, by the key that says so."""
    limits = {"sampling.max_tokens": config.sampling.max_tokens}
    for number, switch in enumerate(config.length_switches):
        if switch.step < config.max_steps:
            limits[f"length_switches[{number}].max_tokens"] = switch.max_tokens
    return limits
