"""What a stage that samples can have set wrong."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage
from stages.checks import generative


def check(stage: Stage) -> Iterator[Problem]:
    """All that can be known before anything is sampled."""
    yield from generative.check(stage)
