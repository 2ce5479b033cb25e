"""What cleaning rows takes, and how many are left."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs.rows import handled, taken
from stages.costs.work import Known, Work


def work(stage: Stage, known: Known) -> Work:
    rows, tokens = taken(known, stage.inputs["data_from"])
    left, most = rows * known.assumed.clean, stage.config.rows
    return handled(known, left if most is None else min(left, most), tokens, rows)
