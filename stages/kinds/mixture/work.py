"""What mixing rows takes, and how many that makes."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs.rows import handled, taken
from stages.costs.work import Known, Work


def work(stage: Stage, known: Known) -> Work:
    rows, tokens = taken(known, stage.inputs["data_from"])
    caps = [part.rows for part in stage.config.parts.values()]
    most = sum(cap for cap in caps if cap is not None) if caps and None not in caps else rows
    return handled(known, min(rows, most), tokens, rows)
