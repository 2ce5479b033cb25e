"""Problems that reasoning-gym generates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.settings import values
from stages.settings.stage import GivenConfig


@dataclass
class ReasoningGymConfig(GivenConfig):
    """Problems that reasoning-gym generates. split: `train` or `heldout`."""

    split: str = MISSING
    tasks: list[str] = field(default_factory=list)
    per_task: int = MISSING  # problems of each
    settings: dict[str, Any] = field(default_factory=dict)  # name → the task's own configuration


def check(stage: Stage) -> Iterator[Problem]:
    """Tasks of reasoning-gym, which must be installed."""
    yield from rules(stage.config)
    if find_spec("reasoning_gym") is None:
        yield Problem(
            "kind",
            "needs reasoning-gym, which is not installed here: pip install 'r1-recipe[gym]'",
            when_run=True,
        )


def rules(config: ReasoningGymConfig) -> Iterator[Problem]:
    """Which tasks, and how many rows of each."""
    yield from values.one_of("split", config.split, values.SPLITS)
    yield from values.at_least(config, 1, "per_task")
    if not config.tasks:
        yield Problem("tasks", "is empty: name some, e.g. [chain_sum, sudoku]")
    if unused := sorted(set(config.settings) - set(config.tasks)):
        yield Problem(f"settings.{unused[0]}", "this task is not among tasks: add it there")


def origin(stage: Stage) -> str:
    config: ReasoningGymConfig = stage.config
    tasks = ", ".join(config.tasks)
    return f"reasoning-gym, split {config.split}, {config.per_task:,} of each task: {tasks}"


KINDS = (
    Kind(
        "reasoning_gym",
        1,
        ReasoningGymConfig,
        "problems",
        "stages.kinds.reasoning_gym.run:run",
        check=check,
        origin=origin,
        light=True,
        work="stages.kinds.reasoning_gym.work:work",
    ),
)
