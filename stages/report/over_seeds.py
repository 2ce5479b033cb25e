"""What several seeds measured, as one: each stage's estimates with the spread between seeds."""

from __future__ import annotations

import statistics as plain
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from pipeline import over_seeds
from pipeline.statistics import Array, Bootstrap, Draws
from stages.report.names import COUNTS

Estimates = dict[str, dict[str, Any]]


def estimates(
    by_seed: Mapping[int, Mapping[str, Estimates]], bootstrap: Bootstrap
) -> dict[str, Estimates]:
    """Every stage's metrics over the seeds that have them; of one seed as they are.

    Of several an estimate also says `by_seed` and `spread`, the standard deviation between them.
    Its interval takes what is uncertain within a seed to be the problems', which all seeds share: a
    little too wide, as part of it is each seed's own. That of a share ends at 0 and 1. Claims and
    differences go by problems.
    """
    if len(by_seed) == 1:
        return dict(next(iter(by_seed.values())))
    stages = dict.fromkeys(stage for found in by_seed.values() for stage in found)
    return {
        stage: _of_stage({s: f[stage] for s, f in by_seed.items() if stage in f}, bootstrap)
        for stage in stages
    }


def _of_stage(by_seed: Mapping[int, Estimates], bootstrap: Bootstrap) -> Estimates:
    keys = dict.fromkeys(key for found in by_seed.values() for key in found)
    whole = {}
    for key in keys:
        entries = {seed: found[key] for seed, found in by_seed.items() if key in found}
        there = {s: e for s, e in entries.items() if e["value"] is not None}
        share = key.rpartition("/")[2] not in COUNTS
        whole[key] = estimate(there, bootstrap, share) if there else next(iter(entries.values()))
    return whole


def estimate(
    entries: Mapping[int, Mapping[str, Any]], bootstrap: Bootstrap, share: bool
) -> dict[str, Any]:
    """One estimate over seeds, from that of each; the interval of a share ends at 0 and 1."""
    worlds = _normal(bootstrap)
    draws = {
        seed: Draws(entry["value"], entry["value"] + worlds * _error(entry, bootstrap), 0)
        for seed, entry in entries.items()
    }
    whole = over_seeds.over_seeds(draws)
    counts = [entry["n"] for entry in entries.values() if entry.get("n") is not None]
    found = {
        "value": whole.value,
        "low": None,
        "high": None,
        "n": min(counts, default=None),
        "by_seed": {str(seed): value for seed, value in whole.by_seed.items()},
        "spread": whole.spread if len(entries) > 1 else None,
    }
    if all(map(_has_interval, entries.values())):
        low, high = whole.interval(bootstrap)
        ends = (max(0.0, low), min(1.0, high)) if share else (low, high)
        found["low"], found["high"] = ends
    return found


def _has_interval(entry: Mapping[str, Any]) -> bool:
    return entry.get("low") is not None and entry.get("high") is not None


def _error(entry: Mapping[str, Any], bootstrap: Bootstrap) -> float:
    """The standard error that an interval tells; 0 of a number without one."""
    if not _has_interval(entry):
        return 0.0
    width = 2 * plain.NormalDist().inv_cdf((1 + bootstrap.confidence) / 2)
    return float((entry["high"] - entry["low"]) / width)


@lru_cache(maxsize=1)
def _normal(bootstrap: Bootstrap) -> Array:
    """The same normal deviates for all, one for every world."""
    shares = (np.arange(bootstrap.draws) + 0.5) / bootstrap.draws
    return np.array([plain.NormalDist().inv_cdf(share) for share in shares])
