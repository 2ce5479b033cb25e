"""What cannot work, found when a recipe is composed: before anything runs. No torch here.

One function per kind (`check` in stages/registry.py) takes a stage as it was composed and yields
problems; each names its key, what is wrong and a value that works.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage
from stages.configs import RLConfig


def rl(stage: Stage) -> Iterator[Problem]:
    """GRPO's numbers against each other."""
    config: RLConfig = stage.config
    yield from _group(config)
    yield from _reference(config)
    yield from _saves(config)


def _group(config: RLConfig) -> Iterator[Problem]:
    if config.samples_per_question < 2:
        yield Problem(
            "samples_per_question",
            f"is {config.samples_per_question}, and an advantage compares the samples of one "
            "question: set it to 2 or more (the paper: 16)",
        )


def _reference(config: RLConfig) -> Iterator[Problem]:
    if config.reference_sync_steps and not config.kl_coefficient:
        yield Problem(
            "reference_sync_steps",
            f"is {config.reference_sync_steps} while kl_coefficient is 0, so no reference is in "
            "the loss: set reference_sync_steps to 0, or kl_coefficient above 0 (the paper: 0.001)",
        )


def _saves(config: RLConfig) -> Iterator[Problem]:
    """A resume is exact from a checkpoint that ends a rollout: the one in use is not saved."""
    rollout = config.steps_per_rollout
    if config.save_steps % rollout:
        yield Problem(
            "save_steps",
            f"is {config.save_steps}, inside a rollout of steps_per_rollout={rollout} optimiser "
            f"steps, from where no resume is exact: set it to "
            f"{multiples(config.save_steps, rollout)}",
        )


def multiples(value: int, of: int) -> str:
    """The multiples around a value that is none, as words."""
    below = value // of * of
    return f"{below} or {below + of}" if below else f"{of}"
