"""What taking a checkpoint over takes: room on the disk."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.work import Disk, Known, Work


def work(stage: Stage, known: Known) -> Work:
    shape = shapes.of_stage(stage)
    if shape is None:
        return Work(light=True, unknown=(stage.config.path,))
    return Work(disk=Disk(shape.parameters * shape.weight_bytes), light=True)
