"""What making problems and worked conversations of the tiny world takes."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs.rows import handled
from stages.costs.work import Known, Work


def work(stage: Stage, known: Known) -> Work:
    config = stage.config
    rows = float(sum(config.per_domain.values()) * len(config.languages))
    tokens = known.row if stage.kind.produces == "conversations" else known.prompt
    return handled(known, rows, tokens)
