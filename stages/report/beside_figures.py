"""Held-out problems while RL trains, with the points that the paper tells of its own curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stages.report import lines, style
from stages.report.evidence import Evidence, Missing
from stages.report.figure import Rows

PAPER: dict[str, Any] = {"ls": "", "marker": "*", "color": "#b0304f", "ms": 9, "clip_on": False}


def held_out_rows(evidence: Evidence, shown: Mapping[str, Any]) -> Rows:
    """Every look of the stage at problems that it was only asked, by share of its RL."""
    asked = (shown.get("beside") or {}).get("curve")
    if not asked:
        return []
    rows: Rows = []
    for metric in asked["panels"]:
        try:
            curve = evidence.curve(asked["stage"])
        except Missing:
            return []
        last = max(curve.points, default=0) or 1
        steps, values = curve.series(metric)
        rows += [
            {"metric": metric, "share_of_steps": step / last, "value": float(value)}
            for step, value in zip(steps.tolist(), values, strict=True)
        ]
    return rows


def draw_held_out(rows: Rows, shown: Mapping[str, Any]) -> Figure:
    """A panel for each metric, with the paper's points."""
    asked, anchors = shown["beside"]["curve"], shown["beside"]["anchors"]
    colour = style.colours(shown)[asked["stage"]]
    logged = {row["metric"] for row in rows}
    panels = {name: title for name, title in asked["panels"].items() if name in logged}
    figure, grid = plt.subplots(
        len(panels),
        figsize=(style.WIDTH, 0.7 + 1.8 * len(panels)),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, (metric, title) in zip(grid.flat, panels.items(), strict=True):
        axes.set_title(f"{asked['stage']}, held out: {title}")
        own = [row for row in rows if row["metric"] == metric]
        series = [
            lines.finite(
                [r["share_of_steps"] for r in own if r["seed"] == seed],
                [r["value"] for r in own if r["seed"] == seed],
            )
            for seed in dict.fromkeys(r["seed"] for r in own)
        ]
        if len(series) > 1:
            for one in series:
                axes.plot(*one, color=colour, **lines.FAINT)
        axes.plot(*lines.mean(series), "o-", color=colour, linewidth=lines.STRONG, markersize=4)
        for anchor in (a for a in anchors if a["panel"] == metric):
            _anchor(axes, anchor)
        axes.set_xlim(0, 1)
        style.percent(axes.yaxis)
    style.percent(grid.flat[-1].xaxis, top=1 / 1.04)
    grid.flat[-1].set_xlabel("share of the RL's steps (the paper: of 10,400)")
    ours = Line2D([], [], color=colour, marker="o", markersize=4, label="ours")
    paper = Line2D([], [], **PAPER, label="the paper, AIME 2024")
    style.legend_below(figure, [ours, paper])
    return figure


def _anchor(axes: Any, anchor: Mapping[str, Any]) -> None:
    axes.plot([anchor["step"]], [anchor["share"]], **PAPER)
    left = anchor["step"] < 0.5
    axes.annotate(
        anchor["label"],
        (anchor["step"], anchor["share"]),
        xytext=(8 if left else -8, -1),
        textcoords="offset points",
        ha="left" if left else "right",
        va="center",
        size=8,
        color=PAPER["color"],
    )
