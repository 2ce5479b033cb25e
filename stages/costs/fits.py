"""What cannot fit on a device, and which values of which keys would."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage
from stages.costs.hardware import Hardware
from stages.costs.work import Work


def problems(stage: Stage, work: Work, hardware: Hardware, devices: int) -> Iterator[Problem]:
    """What stands against running a stage there."""
    yield from ()
