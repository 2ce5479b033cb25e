"""What a stage of general rows can have set wrong."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage
from stages.checks import context, tiny_world


def check(stage: Stage) -> Iterator[Problem]:
    """Whose rows they are, and whether the model that thinks has room to."""
    yield from tiny_world.check(stage)
    yield from context.general(stage)
