"""What a figure is: rows of data, which become its CSV, and a function that draws those rows."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.report.evidence import Evidence, Missing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Plan:
    """One figure: its file name, its caption, its data, how they are drawn."""

    name: str
    caption: str
    rows: Callable[[Evidence, Mapping[str, Any]], Rows]
    draw: Callable[[Rows, Mapping[str, Any]], Figure]


def estimate_rows(
    evidence: Evidence, stages: Iterable[str], slices: Mapping[str, str], metric: str
) -> Rows:
    """value, low, high and n of one metric: a row per stage that was evaluated and slice.

    `slices` maps the name of a slice (`math`) to where it is in the facts (`by_domain`).
    """
    rows: Rows = []
    for stage in stages:
        try:
            facts = evidence.evaluation(stage).facts
        except Missing:
            continue
        for name, where in slices.items():
            entry = facts.get(where, {}).get(name, {}).get(metric)
            if entry and entry["value"] is not None:
                rows.append({"stage": stage, "slice": name, "metric": metric} | dict(entry))
    return rows


def write_csv(path: Path, rows: Rows) -> None:
    """The data behind a figure; every row has the columns of the first."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
