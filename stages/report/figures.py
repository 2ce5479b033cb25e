"""All figures of a report: `figures/<name>.png` and `.svg`, and `.csv` with the data behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from pipeline.statistics import Bootstrap
from stages.report import bar_figures, beside_figures, budget_figures, curve_figures, style
from stages.report.evidence import Evidence
from stages.report.figure import ALL, Plan, Rows, of_seeds, write_csv

PLANS = (
    Plan(
        "rl_curves",
        "Accuracy, length, language consistency and reward over the steps of RL, with "
        "their rolling mean; points are held-out problems of `validate_on`.",
        curve_figures.rl_rows,
        curve_figures.draw_rl,
    ),
    Plan(
        "rewards",
        "Every term of the reward over the steps of RL, and how the policy moves: its entropy and "
        "its KL to the reference.",
        curve_figures.reward_rows,
        curve_figures.draw_rewards,
    ),
    Plan(
        "stages",
        "Held-out accuracy of every stage, with 95 % intervals.",
        bar_figures.stage_rows,
        bar_figures.draw_stages,
    ),
    Plan(
        "students",
        "Distilled students, the same student trained by RL, and their bases.",
        bar_figures.student_rows,
        bar_figures.draw_students,
    ),
    Plan(
        "held_out",
        "Problems that RL is only asked, over its steps, with the points that the paper tells of "
        "R1-Zero on AIME 2024. Other problems: the shape is to be held against it, not the height.",
        beside_figures.held_out_rows,
        beside_figures.draw_held_out,
    ),
    Plan(
        "budget",
        "Accuracy when thinking is cut at a budget, or made to go on by “Wait” where it would end, "
        "with 95 % intervals.",
        budget_figures.budget_rows,
        budget_figures.draw_budgets,
    ),
    Plan(
        "preference",
        "The preference reward acting for longer: what it gains by itself and what the rules say.",
        curve_figures.preference_rows,
        curve_figures.draw_preference,
    ),
)


@dataclass(frozen=True)
class Drawn:
    """A figure on disk."""

    name: str
    caption: str
    png: Path
    svg: Path
    csv: Path


def draw_all(
    seeds: Sequence[Evidence], shown: Mapping[str, Any], bootstrap: Bootstrap, folder: Path
) -> list[Drawn]:
    """Draw what this run has data for."""
    found = ((plan, of_seeds(plan.rows, seeds, shown, bootstrap)) for plan in PLANS)
    return [
        draw(plan.name, plan.caption, rows, partial(plan.draw, rows, shown), folder)
        for plan, rows in found
        if rows
    ]


def draw(name: str, caption: str, rows: Rows, drawing: Callable[[], Figure], folder: Path) -> Drawn:
    """Write one figure, and the rows that it is drawn from beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    png, svg, csv = (folder / f"{name}.{form}" for form in ("png", "svg", "csv"))
    write_csv(csv, rows)
    with plt.rc_context(style.SETTINGS):
        figure = drawing()
        style.save(figure, png)
        figure.set_layout_engine("none")  # the places are found: to find them takes half the time
        svg.write_text(style.svg(figure))
        plt.close(figure)
    return Drawn(name, f"{caption}{_of_seeds(rows)}", png, svg, csv)


def _of_seeds(rows: Rows) -> str:
    """What of a figure is a seed, where there are several."""
    count = len({row["seed"] for row in rows} - {ALL})
    if count < 2:
        return ""
    return f" Of {count} seeds: each one's lines and marks faint, strong what is of all together."
