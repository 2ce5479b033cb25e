"""Two models on the same problems: the difference of each metric, paired by problem.

The interval of the difference comes from resampling problems, as in the claims (quantities.py), so
that what both find easy cancels out; the sign test asks only on how many problems one was better.
Problems that only one of them was asked are left out, and `n` says how many are left. Of several
seeds each problem's values are averaged; a seed without both is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pipeline import statistics
from pipeline.statistics import Array, Bootstrap
from stages.report.evidence import Evidence, Missing
from stages.report.quantities import Quantity, Worlds, difference, with_evidence


def compare(
    seeds: Sequence[Evidence],
    left: str,
    right: str,
    metrics: Iterable[str],
    bootstrap: Bootstrap,
    group: str | None = None,
) -> dict[str, dict[str, Any]]:
    """metric → left − right; where it cannot be told, `reason` says why."""
    found: dict[str, dict[str, Any]] = {}
    for metric in metrics:
        ours, theirs = (Quantity(side, metric=metric, group=group) for side in (left, right))
        try:
            found[metric] = paired(seeds, ours, theirs, bootstrap)
        except Missing as missing:
            found[metric] = {"difference": None, "reason": str(missing)}
    return found


def paired(
    seeds: Sequence[Evidence], left: Quantity, right: Quantity, bootstrap: Bootstrap
) -> dict[str, Any]:
    """left − right on the problems that have both. Raises Missing where no seed can tell."""
    sides = (left, right)
    there, absent = with_evidence(seeds, sides)
    if not there:
        raise next(iter(absent.values()))
    found = difference(there, left, right, bootstrap)
    low, high = found.interval(bootstrap)
    ids = Worlds.of(there, sides, bootstrap).ids
    ours, theirs = (_over_seeds(there, side, ids) for side in sides)
    higher, lower = int(np.sum(ours > theirs)), int(np.sum(ours < theirs))
    return {
        "difference": found.value,
        "low": low,
        "high": high,
        "n": found.n,
        "higher": higher,
        "lower": lower,
        "sign_test": statistics.sign_test(higher, lower),
    }


def _over_seeds(seeds: Sequence[Evidence], side: Quantity, ids: Sequence[str]) -> Array:
    """Each problem's value, the mean over seeds."""
    assert side.metric is not None
    values = [evidence.problems(side.stage).values(side.metric, ids) for evidence in seeds]
    return np.asarray(np.mean(values, axis=0), dtype=np.float64)
