"""Two models on the same problems: the difference of each metric, paired by problem.

The interval of the difference comes from resampling problems, as in the claims (quantities.py), so
that what both find easy cancels out; the sign test asks only on how many problems one was better.
Problems that only one of them was asked are left out, and `n` says how many are left.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pipeline import statistics
from pipeline.statistics import Bootstrap
from stages.report.evidence import Evidence, Missing
from stages.report.quantities import Quantity, Worlds, difference


def compare(
    evidence: Evidence,
    left: str,
    right: str,
    metrics: Iterable[str],
    bootstrap: Bootstrap,
    group: str | None = None,
) -> dict[str, dict[str, Any]]:
    """metric → left − right; where it cannot be told, `reason` says why."""
    found: dict[str, dict[str, Any]] = {}
    for metric in metrics:
        sides = tuple(Quantity(stage, metric=metric, group=group) for stage in (left, right))
        try:
            found[metric] = _paired(evidence, sides, bootstrap)
        except Missing as missing:
            found[metric] = {"difference": None, "reason": str(missing)}
    return found


def _paired(
    evidence: Evidence, sides: tuple[Quantity, ...], bootstrap: Bootstrap
) -> dict[str, Any]:
    left, right = sides
    draws = difference(evidence, left, right, bootstrap)
    low, high = draws.interval(bootstrap.confidence)
    ids = Worlds.of(evidence, sides, bootstrap).ids
    ours, theirs = (evidence.problems(side.stage).values(side.metric or "", ids) for side in sides)
    higher, lower = int(np.sum(ours > theirs)), int(np.sum(ours < theirs))
    return {
        "difference": draws.value,
        "low": low,
        "high": high,
        "n": draws.n,
        "higher": higher,
        "lower": lower,
        "sign_test": statistics.sign_test(higher, lower),
    }
