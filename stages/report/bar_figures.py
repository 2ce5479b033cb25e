"""Figures of evaluations: the stages and the students."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from stages.report import style
from stages.report.evidence import Evidence
from stages.report.figure import Row, Rows, estimate_rows, single, together
from stages.report.names import ACCURACY, GENERAL, GROUPS, REASONING

BAR = 0.105  # inches that a bar of many is wide
TEACHER = "teacher"


def stage_rows(evidence: Evidence, shown: Mapping[str, Any]) -> Rows:
    """pass@1 of the main stages on reasoning as a whole, on each of its domains, on the rest."""
    domains: dict[str, str] = {}
    for stage in shown["stages"]:
        if stage in evidence.models():
            facts = evidence.evaluation(stage).facts
            domains |= dict.fromkeys(facts.get("by_domain") or {}, "by_domain")
    domains = {name: where for name, where in domains.items() if name not in GROUPS}
    slices = {REASONING: GROUPS[REASONING], **domains, GENERAL: GROUPS[GENERAL]}
    return estimate_rows(evidence, shown["stages"], slices, ACCURACY)


def draw_stages(rows: Rows, shown: Mapping[str, Any]) -> Figure:
    """Bars grouped by benchmark and coloured by stage, as in the paper's figure 1."""
    colours = style.colours(shown)
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    slices = list(dict.fromkeys(row["slice"] for row in rows))
    height = 1.0 + BAR * (len(stages) + 1) * len(slices)
    figure, axes = plt.subplots(figsize=(style.WIDTH, height), layout="constrained")
    width = 1 / (len(stages) + 1)
    for row in together(rows):
        offset = (stages.index(row["stage"]) - (len(stages) - 1) / 2) * width
        place = slices.index(row["slice"]) + offset
        style.bar(axes, place, row, width * 0.92, colours[row["stage"]], _seeds(rows, row))
    style.bars(axes, slices)
    axes.set_title("Held-out accuracy (pass@1) by stage, with 95 % intervals")
    legend: list[Artist] = [Patch(color=colours[stage], label=stage) for stage in stages]
    style.legend_below(figure, [*legend, *([style.seed_mark()] if single(rows) else [])])
    style.percent(axes.xaxis, top=style.top(rows))
    return figure


def _seeds(rows: Rows, row: Row) -> list[float]:
    """What each of several seeds has where a bar stands."""
    same = ("stage", "slice")
    return [float(r["value"]) for r in single(rows) if all(r[key] == row[key] for key in same)]


def student_rows(evidence: Evidence, shown: Mapping[str, Any]) -> Rows:
    """Each student's base, its trained forms, and the teacher."""
    rows: Rows = []
    for group in shown["students"]:
        stages = [group["base"], *group["trained"]]
        found = estimate_rows(evidence, stages, GROUPS, ACCURACY)
        if any(row["stage"] != group["base"] for row in found):
            rows += [{"family": group["base"]} | row for row in found]
    if rows:
        teacher = estimate_rows(evidence, [shown["teacher"]], GROUPS, ACCURACY)
        rows += [{"family": TEACHER} | row for row in teacher]
    return rows


def draw_students(rows: Rows, shown: Mapping[str, Any]) -> Figure:
    """A panel per group of problems; the teacher is the line to reach."""
    colours = style.colours(shown)
    slices = list(dict.fromkeys(row["slice"] for row in rows))
    stages = list(dict.fromkeys(row["stage"] for row in rows if row["family"] != TEACHER))
    figure, grid = plt.subplots(
        len(slices),
        figsize=(style.WIDTH, len(slices) * (0.7 + 0.24 * len(stages))),
        layout="constrained",
        squeeze=False,
        sharex=True,
    )
    for axes, slice_ in zip(grid.flat, slices, strict=True):
        axes.set_title(f"Students on {slice_} (pass@1)")
        style.bars(axes, stages)
        for row in (r for r in together(rows) if r["slice"] == slice_):
            if row["family"] == TEACHER:
                _teacher_line(axes, row, colours[row["stage"]])
            else:
                place = stages.index(row["stage"])
                style.bar(axes, place, row, 0.72, colours[row["stage"]], _seeds(rows, row))
        style.percent(axes.xaxis, top=style.top(rows))
    return figure


def _teacher_line(axes: Axes, row: Row, colour: str) -> None:
    axes.axvline(row["value"], color=colour, linewidth=1.2, linestyle="--")
    axes.annotate(
        f"teacher: {row['stage']}",
        (row["value"], 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-3, -2),
        textcoords="offset points",
        ha="right",
        va="top",
        size=8.5,
        color=colour,
    )
