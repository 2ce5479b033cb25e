"""Figures over RL steps: the training curves, and the preference reward that runs too long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stages.report import lines, names, style
from stages.report.evidence import Evidence, Missing
from stages.report.figure import Row, Rows, estimate_rows, single, together
from stages.report.names import GROUPS
from stages.report.trained import TERM

ACCURACY = "accuracy"  # its axis starts at zero
SHARES = (ACCURACY, "language_consistency")  # drawn as per cent
PANEL = 1.7  # inches that a panel is high
POINTS = ("o", "D")  # one held-out metric of a panel after the other; the first is filled


def rl_rows(evidence: Evidence, shown: Mapping[str, Any]) -> Rows:
    """Every panel's points, stage by stage; `segment` is the stage beside which a run is drawn."""
    rows: Rows = []
    held_out = [metric for metrics in _held_out(shown).values() for metric in metrics]
    for curve in shown["curves"]:
        for stage in (curve["stage"], *curve["compared"]):
            for metric in (*shown["panels"], *held_out):
                rows += _points(evidence, stage, metric, segment=curve["stage"])
    return rows


def _held_out(shown: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    """By panel, the curves of validation that are drawn over it, with their names."""
    found: Mapping[str, Mapping[str, str]] = shown.get("held_out") or {}
    return found


def _points(evidence: Evidence, stage: str, metric: str, segment: str) -> Rows:
    try:
        steps, values = evidence.curve(stage).series(metric)
    except Missing:
        return []
    return [
        {"segment": segment, "stage": stage, "metric": metric, "step": int(s), "value": float(v)}
        for s, v in zip(steps, values, strict=True)
    ]


def draw_rl(rows: Rows, shown: Mapping[str, Any]) -> Figure:
    """One panel per quantity; RL stages side by side, comparisons dashed over their stage."""
    return _draw_panels(rows, shown, shown["panels"])


def reward_rows(evidence: Evidence, shown: Mapping[str, Any]) -> Rows:
    """The same points of every term of the reward, of entropy and of KL."""
    rows: Rows = []
    for curve in shown["curves"]:
        for stage in (curve["stage"], *curve["compared"]):
            try:
                terms = evidence.curve(stage).names(TERM)
            except Missing:
                continue
            for metric in (*terms, *shown["beside_rewards"]):
                rows += _points(evidence, stage, metric, segment=curve["stage"])
    return rows


def draw_rewards(rows: Rows, shown: Mapping[str, Any]) -> Figure:
    """A panel for each term of the reward, then entropy and KL."""
    terms = sorted({row["metric"] for row in rows if row["metric"].startswith(TERM)})
    panels = {term: f"Reward: {term.removeprefix(TERM)}" for term in terms}
    logged = {row["metric"] for row in rows}
    panels |= {name: text for name, text in shown["beside_rewards"].items() if name in logged}
    return _draw_panels(rows, shown, panels)


def _draw_panels(rows: Rows, shown: Mapping[str, Any], panels: Mapping[str, str]) -> Figure:
    starts, end = _segments(rows)
    figure, grid = plt.subplots(
        len(panels),
        figsize=(style.WIDTH, 0.8 + PANEL * len(panels)),
        sharex=True,
        layout="constrained",
        squeeze=False,
    )
    colours = style.colours(shown)
    for axes, (metric, label) in zip(grid.flat, panels.items(), strict=True):
        axes.set_title(label)
        for stage in dict.fromkeys(row["stage"] for row in rows):
            points = [r for r in rows if r["stage"] == stage and r["metric"] == metric]
            if points:
                start, line = starts[points[0]["segment"]], _dash(stage, points[0]["segment"])
                series = _series(points, start)
                lines.draw(axes, series, colours[stage], shown["smoothing"], line)
        for marker, (name, words) in zip(
            POINTS, _held_out(shown).get(metric, {}).items(), strict=False
        ):
            looks = [row for row in rows if row["metric"] == name]
            _looks(axes, looks, starts, colours, marker, f"{words}, held out")
        if metric in SHARES:
            style.percent(axes.yaxis, bottom=0.0 if metric == ACCURACY else None)
        _boundaries(axes, starts, end)
    grid.flat[-1].set_xlabel("RL steps (stages side by side)")
    style.legend_below(figure, _stage_lines(rows, colours))
    return figure


def _series(points: Rows, start: int = 0) -> list[lines.Series]:
    """The points of each seed."""
    return [
        lines.finite(
            [start + p["step"] for p in points if p["seed"] == seed],
            [p["value"] for p in points if p["seed"] == seed],
        )
        for seed in dict.fromkeys(p["seed"] for p in points)
    ]


def _dash(stage: str, segment: str) -> Any:
    return "-" if stage == segment else (0, (3, 1.5))


def _stage_lines(rows: Rows, colours: Mapping[str, str]) -> list[Line2D]:
    """A line for each stage; what is compared says over which stage it is drawn."""
    lines = []
    for stage, over in dict.fromkeys((row["stage"], row["segment"]) for row in rows):
        label = stage if stage == over else f"{stage} (over {over})"
        look: dict[str, Any] = {"linestyle": _dash(stage, over), "linewidth": 1.9}
        lines.append(Line2D([], [], color=colours[stage], label=label, **look))
    return lines


def _looks(
    axes: Axes,
    rows: Rows,
    starts: Mapping[str, int],
    colours: Mapping[str, str],
    marker: str,
    label: str,
) -> None:
    """What the policy could do on held-out problems: a point for each time that it was asked."""
    for stage in dict.fromkeys(row["stage"] for row in rows):
        points = [row for row in rows if row["stage"] == stage]
        seeds = _series(points, starts[points[0]["segment"]])
        if len(seeds) > 1:
            for series in seeds:
                axes.plot(*series, color=colours[stage], **lines.FAINT)
        axes.plot(
            *lines.mean(seeds),
            color=colours[stage],
            linewidth=0.9,
            marker=marker,
            markersize=4.5,
            markerfacecolor=colours[stage] if marker == POINTS[0] else style.PAPER,
            markeredgewidth=1.0,
            clip_on=False,
            zorder=3,
        )
    if rows:
        face = style.TEXT if marker == POINTS[0] else style.PAPER
        axes.plot(
            [], [], marker, color=style.TEXT, markerfacecolor=face, markersize=4.5, label=label
        )
        axes.legend(loc="lower center", fontsize=8)


def _segments(rows: Rows) -> tuple[dict[str, int], int]:
    """Where each segment starts on the common axis, and where the last one ends."""
    starts: dict[str, int] = {}
    end = 0
    for segment in dict.fromkeys(row["segment"] for row in rows):
        starts[segment] = end
        end += max(row["step"] for row in rows if row["segment"] == segment)
    return starts, end


def _boundaries(axes: Axes, starts: Mapping[str, int], end: int) -> None:
    for start in starts.values():
        if start:
            axes.axvline(start, color=style.AXIS, linewidth=0.8, linestyle=":")
    axes.set_xlim(0, end)


def preference_rows(evidence: Evidence, shown: Mapping[str, Any]) -> Rows:
    """Reward and accuracy over steps of the final RL and of the same with more preference."""
    chosen = shown["preference"]
    rows: Rows = []
    for stage in (chosen["stage"], chosen["longer"]):
        for metric in (chosen["reward"], chosen["accuracy"]):
            rows += _points(evidence, stage, metric, segment=stage)
    stages = (chosen["stage"], chosen["longer"])
    heldout = estimate_rows(evidence, stages, GROUPS, names.ACCURACY)
    rows += [
        {"segment": row["slice"], "stage": row["stage"], "metric": "heldout", "step": None}
        | {key: row[key] for key in ("value", "low", "high")}
        for row in heldout
    ]
    complete = {row["stage"] for row in rows} >= {chosen["stage"], chosen["longer"]}
    return [{"low": None, "high": None} | row for row in rows] if complete else []


def draw_preference(rows: Rows, shown: Mapping[str, Any]) -> Figure:
    """Preference reward up, and what the rules say meanwhile."""
    chosen = shown["preference"]
    colours = {chosen["stage"]: style.colours(shown)[chosen["stage"]], chosen["longer"]: style.TEXT}
    figure, (reward, accuracy, heldout) = plt.subplots(
        3, figsize=(style.WIDTH, 5.6), layout="constrained", height_ratios=(1.2, 1.2, 1)
    )
    for axes, metric in ((reward, chosen["reward"]), (accuracy, chosen["accuracy"])):
        for stage, colour in colours.items():
            points = [r for r in rows if r["stage"] == stage and r["metric"] == metric]
            lines.draw(axes, _series(points), colour, shown["smoothing"], label=stage)
    accuracy.set_xlabel("RL steps")
    reward.set_title("Preference reward while training")
    if reward.lines:
        reward.legend(loc="best")
    accuracy.set_title("Accuracy by rule while training")
    _heldout_bars(heldout, [r for r in rows if r["metric"] == "heldout"], colours)
    style.percent(accuracy.yaxis)
    return figure


def _heldout_bars(axes: Axes, rows: Rows, colours: dict[str, str]) -> None:
    slices = list(dict.fromkeys(row["segment"] for row in rows))
    for row in together(rows):
        place = slices.index(row["segment"]) + (0.2 if row["stage"] == list(colours)[1] else -0.2)
        seeds = [r["value"] for r in single(rows) if _bar(r) == _bar(row)]
        style.bar(axes, place, row, 0.38, colours[row["stage"]], seeds)
    style.bars(axes, slices)
    axes.set_title("Accuracy by rule, held out")
    style.percent(axes.xaxis)


def _bar(row: Row) -> tuple[str, str]:
    return row["stage"], row["segment"]
