"""Curves over steps, of one seed or of several: what is single faint, the mean strong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from pipeline.statistics import Array

FAINT: dict[str, Any] = {"alpha": 0.45, "linewidth": 0.8}  # a seed of several
STEPS: dict[str, Any] = {"alpha": 0.25, "linewidth": 0.8}
STRONG = 1.9  # the width of a mean

Series = tuple[Array, Array]  # steps and values


def draw(
    axes: Axes,
    seeds: Iterable[Series],
    colour: str,
    smoothing: float,
    line: Any = "-",
    label: str = "",
) -> None:
    """One seed's single steps under their rolling mean; several seeds' rolling means under theirs.

    smoothing: share of the points in a rolling mean. What is not finite is left out.
    """
    single = [one for one in (finite(*series) for series in seeds) if len(one[0])]
    rolling = [(steps, smooth(values, smoothing)) for steps, values in single]
    faint, look = (rolling, FAINT) if len(rolling) > 1 else (single, STEPS)
    for steps, values in faint:
        axes.plot(steps, values, color=colour, **look)
    if rolling:
        axes.plot(*mean(rolling), color=colour, linestyle=line, linewidth=STRONG, label=label)


def finite(steps: ArrayLike, values: ArrayLike) -> Series:
    """The points whose values are finite numbers."""
    at, height = np.asarray(steps, dtype=float), np.asarray(values, dtype=float)
    known = np.isfinite(height)
    return at[known], height[known]


def mean(seeds: Sequence[Series]) -> Series:
    """At every step the mean of the seeds that have a value there."""
    steps = np.unique(np.concatenate([at for at, _ in seeds]))
    table = np.full((len(seeds), len(steps)), np.nan)
    for row, (at, values) in zip(table, seeds, strict=True):
        row[np.searchsorted(steps, at)] = values
    return steps, np.nanmean(table, axis=0)


def smooth(values: Array, share: float) -> Array:
    """A centred rolling mean over a share of the points, narrower at the ends."""
    half = max(1, round(share * len(values) / 2))
    cumulated = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    low, high = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    rolling: Array = (cumulated[high] - cumulated[low]) / (high - low)
    return rolling
