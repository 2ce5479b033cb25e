"""All figures of a report: `figures/<name>.png`, and `<name>.csv` with the data behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from stages.report import bar_figures, budget_figures, curve_figures, style
from stages.report.evidence import Evidence
from stages.report.figure import Plan, write_csv

PLANS = (
    Plan(
        "rl_curves",
        "Accuracy, length, language consistency and reward over the steps of RL: single steps "
        "faint, their rolling mean strong; points are held-out problems of `validate_on`.",
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
    csv: Path


def draw_all(evidence: Evidence, shown: Mapping[str, Any], folder: Path) -> list[Drawn]:
    """Draw what this run has data for."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for plan in PLANS:
        rows = plan.rows(evidence, shown)
        if not rows:
            continue
        png, csv = folder / f"{plan.name}.png", folder / f"{plan.name}.csv"
        write_csv(csv, rows)
        with plt.rc_context(style.SETTINGS):
            figure = plan.draw(rows, shown)
            style.save(figure, png)
            plt.close(figure)
        drawn.append(Drawn(plan.name, plan.caption, png, csv))
    return drawn
