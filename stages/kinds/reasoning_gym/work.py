"""What generating problems by task takes."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs.rows import handled
from stages.costs.work import Known, Work


def work(stage: Stage, known: Known) -> Work:
    return handled(known, float(len(stage.config.tasks) * stage.config.per_task), known.prompt)
