"""Figures of evaluations: the stages and the students."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from stages.report import style
from stages.report.evidence import Evidence
from stages.report.figure import Rows, estimate_rows
from stages.report.names import ACCURACY, GENERAL, GROUPS, REASONING


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
    figure, axes = plt.subplots(figsize=(11, 4.2), layout="constrained")
    width = 0.82 / len(stages)
    for row in rows:
        offset = (stages.index(row["stage"]) - (len(stages) - 1) / 2) * width
        place = slices.index(row["slice"]) + offset
        style.bar(axes, place, row, width * 0.92, colours[row["stage"]], numbered=True)
    axes.set_xticks(range(len(slices)), slices)
    axes.set_title("Held-out accuracy (pass@1) by stage, with 95 % intervals")
    style.legend_below(figure, [Patch(color=colours[stage], label=stage) for stage in stages])
    style.percent_axis(axes, top=style.top(rows))
    return figure


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
        rows += [{"family": "teacher"} | row for row in teacher]
    return rows


def draw_students(rows: Rows, shown: Mapping[str, Any]) -> Figure:
    """A panel per group of problems; the teacher is the line to reach."""
    colours = style.colours(shown)
    slices = list(dict.fromkeys(row["slice"] for row in rows))
    bars = list(dict.fromkeys((r["family"], r["stage"]) for r in rows if r["family"] != "teacher"))
    families = list(dict.fromkeys(family for family, _ in bars))
    figure, grid = plt.subplots(
        1, len(slices), figsize=(11, 3.8), layout="constrained", squeeze=False, sharey=True
    )
    for axes, slice_ in zip(grid[0], slices, strict=True):
        axes.set_title(f"Students on {slice_} (pass@1)")
        for row in (r for r in rows if r["slice"] == slice_):
            if row["family"] == "teacher":
                _teacher_line(axes, row, colours[row["stage"]])
                continue
            number = bars.index((row["family"], row["stage"]))
            place = number + 0.6 * families.index(row["family"])
            style.bar(axes, place, row, 0.72, colours[row["stage"]], numbered=True)
        places = [n + 0.6 * families.index(family) for n, (family, _) in enumerate(bars)]
        axes.set_xticks(places, [style.wrapped(stage) for _, stage in bars], size=8.5)
        style.percent_axis(axes, top=style.top(rows))
    return figure


def _teacher_line(axes: Axes, row: Mapping[str, Any], colour: str) -> None:
    axes.axhline(row["value"], color=colour, linewidth=1.2, linestyle="--")
    axes.annotate(
        f"teacher: {row['stage']}",
        (1.0, row["value"]),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        size=8.5,
        color=colour,
    )
