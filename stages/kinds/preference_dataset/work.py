"""What reading a public set takes."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs.rows import imported
from stages.costs.work import Known, Work


def work(stage: Stage, known: Known) -> Work:
    return imported(stage, known, known.row)
