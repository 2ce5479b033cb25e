"""Accuracy against how much a model thinks, as s1's figures 1 and 4 show it (2501.19393)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stages.report import style
from stages.report.evidence import Evidence, Missing
from stages.report.figure import Rows, single, together
from stages.report.lines import FAINT

CUT, WAITED = "cut", "waited"
SHOWN = ("mean_thinking_tokens", "value", "low", "high", "n")


def budget_rows(evidence: Evidence, shown: Mapping[str, Any]) -> Rows:
    """Each stage's points: thoughts cut at a budget, and thoughts made to wait."""
    rows: Rows = []
    for stage in shown["budgets"]:
        try:
            facts = evidence.evaluation(stage).facts
        except Missing:
            continue
        for setting, key, amount in ((CUT, "budgets", "budget"), (WAITED, "waits", "waits")):
            points = sorted(facts.get(key) or [], key=lambda point: int(point[amount]))
            rows += [
                {"stage": stage, "setting": setting, "amount": point[amount]}
                | {name: point[name] for name in SHOWN}
                for point in points
            ]
    return rows


def draw_budgets(rows: Rows, shown: Mapping[str, Any]) -> Figure:
    """Accuracy over the tokens that were thought on average, on a doubling axis."""
    colours = style.colours(shown)
    figure, axes = plt.subplots(figsize=(style.WIDTH, 4.0), layout="constrained")
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    for number, stage in enumerate(stages):
        for setting in (CUT, WAITED):
            own = [r for r in rows if (r["stage"], r["setting"]) == (stage, setting)]
            for seed in dict.fromkeys(r["seed"] for r in single(own)):
                axes.plot(
                    *_places([r for r in own if r["seed"] == seed]), color=colours[stage], **FAINT
                )
            if own:
                _line(axes, together(own), colours[stage], setting, above=number % 2 == 0)
    _doubling_axis(axes, [row["mean_thinking_tokens"] for row in rows])
    axes.set_xlabel("Thinking (tokens, mean)")
    axes.set_title("Accuracy against thinking")
    axes.legend(handles=_legend(stages, colours, rows), loc="best")
    style.percent(axes.yaxis, top=style.top(rows))
    return figure


def _places(points: Rows) -> tuple[list[float], list[float]]:
    return [p["mean_thinking_tokens"] for p in points], [p["value"] for p in points]


def _line(axes: Axes, points: Rows, colour: str, setting: str, above: bool) -> None:
    x, y = _places(points)
    low, high = [point["low"] for point in points], [point["high"] for point in points]
    axes.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0)
    cut = setting == CUT
    axes.plot(x, y, "o-" if cut else "D--", color=colour, mfc=colour if cut else style.PAPER)
    for place, height, point in zip(x, y, points, strict=True):
        if cut or point["amount"]:  # no wait at all is as the model thinks by itself
            axes.annotate(
                f"{point['amount']}" if cut else f"{point['amount']}×",
                (place, height),
                xytext=((-7, 4) if above else (7, -10)) if cut else (8, 3),
                textcoords="offset points",
                ha="center",
                size=7.5,
                color=colour,
            )


def _legend(stages: list[str], colours: Mapping[str, str], rows: Rows) -> list[Line2D]:
    lines = [Line2D([], [], color=colours[stage], label=stage) for stage in stages]
    lines += [Line2D([], [], color=style.TEXT, marker="o", label="cut after b tokens")]
    if any(row["setting"] == WAITED for row in rows):
        lines += [
            Line2D(
                [], [], color=style.TEXT, ls="--", marker="D", mfc=style.PAPER, label="“Wait” n×"
            )
        ]
    return lines


def _doubling_axis(axes: Axes, tokens: Sequence[float]) -> None:
    """Doublings are equally far apart; below the smallest amount the axis is linear, down to 0."""
    first = min((t for t in tokens if t > 0), default=1.0)
    start = 2.0 ** math.floor(math.log2(first))
    doublings = math.ceil(math.log2(max(*tokens, first) / start))
    axes.set_xscale("symlog", base=2, linthresh=start, linscale=0.8)
    ticks = [0.0, *(start * 2**i for i in range(doublings + 1))]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(-0.05 * start, ticks[-1] * 1.05)
