"""The training curves of one stage, as an SVG for its page."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from stages.report import style
from stages.report.curve_figures import smooth
from stages.report.evidence import Curve

COLUMNS, PANEL = 3, 2.2  # panels in a line, inches that one is high
COLOUR = style.PALETTE[1]


def draw(curve: Curve, panels: Mapping[str, str], smoothing: float) -> str:
    """A panel for each metric of `panels` (name → title) that was logged; empty without any.

    smoothing: share of the points in the rolling mean. What is not finite is left out, and
    counted in the title.
    """
    logged = {metric: title for metric, title in panels.items() if curve.logged(metric)}
    if not logged:
        return ""
    lines = -(-len(logged) // COLUMNS)
    with plt.rc_context(style.SETTINGS):
        height = lines * PANEL
        figure, grid = plt.subplots(lines, COLUMNS, figsize=(11, height), squeeze=False)
        # Set by hand: to find the places anew for each stage took half of a report's time.
        top, bottom = 1 - 0.25 / height, 0.3 / height
        figure.subplots_adjust(0.06, bottom, 0.995, top, wspace=0.2, hspace=0.35)
        for axes, (metric, title) in zip(grid.flat, logged.items(), strict=False):
            _panel(axes, curve, metric, title, smoothing)
        for axes in list(grid.flat)[len(logged) :]:
            axes.remove()
        text = style.svg(figure)
        plt.close(figure)
    return text


def _panel(axes: Axes, curve: Curve, metric: str, title: str, smoothing: float) -> None:
    steps, values = curve.series(metric)
    finite = np.isfinite(values)
    lost = int((~finite).sum())
    axes.set_title(f"{title} ({lost} not finite)" if lost else title, fontsize=9)
    axes.plot(steps[finite], values[finite], color=COLOUR, alpha=0.25, linewidth=0.8)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter("{x:g}")
    if finite.any():
        axes.plot(steps[finite], smooth(values[finite], smoothing), color=COLOUR, linewidth=1.9)
