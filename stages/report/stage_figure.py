"""The training curves of one stage, as an SVG for its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from stages.report import lines, style
from stages.report.evidence import Curve

COLUMNS, PANEL = 2, 1.5  # panels in a line, inches that one is high
COLOUR = style.PALETTE[1]


def draw(seeds: Sequence[Curve], panels: Mapping[str, str], smoothing: float) -> str:
    """A panel for each metric of `panels` (name → title) that a seed logged; empty without any.

    smoothing: share of the points in the rolling mean. What is not finite is left out, and
    counted in the title.
    """
    logged = {m: title for m, title in panels.items() if any(c.logged(m) for c in seeds)}
    if not logged:
        return ""
    count = -(-len(logged) // COLUMNS)
    with plt.rc_context(style.SETTINGS):
        size = (style.WIDTH, count * PANEL)
        figure, grid = plt.subplots(count, COLUMNS, figsize=size, squeeze=False)
        # Set by hand: to find the places anew for each stage took half of a report's time.
        top, bottom = 1 - 0.25 / size[1], 0.3 / size[1]
        figure.subplots_adjust(0.115, bottom, 0.99, top, wspace=0.25, hspace=0.45)
        for axes, (metric, title) in zip(grid.flat, logged.items(), strict=False):
            _panel(axes, [_series(curve, metric) for curve in seeds], title, smoothing)
        for axes in list(grid.flat)[len(logged) :]:
            axes.remove()
        text = style.svg(figure)
        plt.close(figure)
    return text


def _series(curve: Curve, metric: str) -> lines.Series:
    steps, values = curve.series(metric)
    return steps.astype(np.float64), values


def _panel(axes: Axes, seeds: Sequence[lines.Series], title: str, smoothing: float) -> None:
    lost = sum(int((~np.isfinite(values)).sum()) for _, values in seeds)
    axes.set_title(f"{title} ({lost} not finite)" if lost else title, fontsize=8.5)
    lines.draw(axes, seeds, COLOUR, smoothing)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.tick_params(labelsize=8)
