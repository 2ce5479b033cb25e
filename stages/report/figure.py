"""What a figure is: rows of data, which become its CSV, and a function that draws those rows.

Every row says of which seed it is. Of several seeds, what has an interval is there a second time,
over all of them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.statistics import Bootstrap
from stages.report import over_seeds
from stages.report.evidence import Evidence, Missing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
Rows = list[dict[str, Any]]
ALL = "all"  # in place of a seed: of all together
#: What of a row is measured, and so differs between seeds.
MEASURED = ("value", "low", "high", "n", "mean_thinking_tokens")


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


def of_seeds(
    rows: Callable[[Evidence, Mapping[str, Any]], Rows],
    seeds: Sequence[Evidence],
    shown: Mapping[str, Any],
    bootstrap: Bootstrap,
) -> Rows:
    """A figure's rows of each seed and, of several, of all together."""
    own: Rows = [{"seed": one.seed} | row for one in seeds for row in rows(one, shown)]
    return [*_together(own, bootstrap), *own] if len(seeds) > 1 else own


def _together(rows: Rows, bootstrap: Bootstrap) -> Rows:
    alike: dict[tuple[Any, ...], Rows] = {}
    for row in rows:
        if row.get("low") is not None:
            told = {key: value for key, value in row.items() if key not in ("seed", *MEASURED)}
            alike.setdefault(tuple(told.items()), []).append(row)
    return [_one(own, bootstrap) for own in alike.values()]


def _one(rows: Rows, bootstrap: Bootstrap) -> dict[str, Any]:
    entries = {int(row["seed"]): row for row in rows}
    whole = over_seeds.estimate(entries, bootstrap, share=True)
    found = {key: whole.get(key, value) for key, value in rows[0].items()} | {"seed": ALL}
    if "mean_thinking_tokens" in found:
        tokens = [float(row["mean_thinking_tokens"]) for row in rows]
        found["mean_thinking_tokens"] = sum(tokens) / len(tokens)
    return found


def together(rows: Rows) -> Rows:
    """The rows over all seeds, or those of the only one."""
    return [row for row in rows if row["seed"] == ALL] or rows


def single(rows: Rows) -> Rows:
    """The rows of each of several seeds."""
    own = [row for row in rows if row["seed"] != ALL]
    return own if len(own) < len(rows) else []


def write_csv(path: Path, rows: Rows) -> None:
    """The data behind a figure; every row has the columns of the first."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
