"""The claims as a figure: every check's difference with its interval, against its margin.

A panel for each unit, as tokens and points do not share an axis. The side of the margin where the
paper says that the difference lies is shaded: an interval wholly in it reproduces the check.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stages.report import style
from stages.report.figure import ALL, Rows
from stages.report.names import COUNTS, NOT_REPRODUCED, REPRODUCED, UNDECIDED

COLOURS = {REPRODUCED: "#2f8f5b", NOT_REPRODUCED: "#c8382f", UNDECIDED: "#c98a1b"}
MARKERS = {REPRODUCED: "o", NOT_REPRODUCED: "X", UNDECIDED: "D"}
NAME = "claims"
CAPTION = (
    "Every check of every claim: the difference with its 95 % interval, its margin, and shaded the "
    "side on which the paper says that it lies."
)
POINTS, TAU = "points", "Kendall's tau"
SIZE, WIDTH = 9.0, 88  # points of a check's words, and characters in a line of them
LINE = 0.175  # inches that a line of words takes
BEHIND = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 0.4}  # keeps lines off the words
BAR = 1.9  # and a bar, in lines


def rows(claims: Sequence[Mapping[str, Any]], judged: Iterable[Mapping[str, Any]]) -> Rows:
    """A row for every check that was measured, and one for each of several seeds.

    claims: as configured; judged: as in the facts.
    """
    asked = {int(claim["id"]): claim["checks"] for claim in claims}
    found: Rows = []
    for claim in judged:
        for check, config in zip(claim["checks"], asked[claim["id"]], strict=True):
            if check["difference"] is not None:
                found += _rows(claim, check, unit(config))
    return found


def _rows(claim: Mapping[str, Any], check: Mapping[str, Any], unit: str) -> Rows:
    named = {"claim": claim["id"], "says": check["says"], "unit": unit}
    measured = {key: check[key] for key in ("difference", "low", "high")}
    asked = {key: check[key] for key in ("margin", "relation", "n")}
    rest = asked | {"of": check["unit"], "verdict": check["verdict"]}
    own = check["by_seed"]
    whole = {"seed": ALL if len(own) > 1 else next(iter(own), ""), **named, **measured, **rest}
    alone = {"low": None, "high": None, "verdict": ""}
    seeds = [whole | {"seed": seed, "difference": value} | alone for seed, value in own.items()]
    return [whole, *(seeds if len(own) > 1 else [])]


def unit(check: Mapping[str, Any]) -> str:
    """What a check's difference is counted in; shares are told in points."""
    if "table" in check:
        return TAU
    left = check["left"]
    metric = str(left.get("metric") or left.get("curve") or "")
    if metric.startswith("reward"):
        return metric
    if metric not in COUNTS:
        return POINTS
    return "checking words" if metric == "checking_words" else "tokens"


def draw(found: Rows) -> Figure:
    """The panels under each other, each as high as its words need."""
    panels = {name: [r for r in found if r["unit"] == name] for name in _units(found)}
    heights = [sum(map(_lines, _checks(rows))) for rows in panels.values()]
    figure, grid = plt.subplots(
        *(len(panels), 1),
        figsize=(style.WIDTH, LINE * sum(heights) + 0.5 * len(panels) + 0.6),
        height_ratios=heights,
        layout="constrained",
        squeeze=False,
    )
    for axes, (name, rows) in zip(grid[:, 0], panels.items(), strict=True):
        _panel(axes, name, rows)
    style.legend_below(figure, _legend(found))
    return figure


def _units(found: Rows) -> list[str]:
    return list(dict.fromkeys(sorted((r["unit"] for r in found), key=lambda u: u != POINTS)))


def _checks(rows: Rows) -> Rows:
    """What was judged; the other rows are single seeds."""
    return [row for row in rows if row["verdict"]]


def _lines(row: Mapping[str, Any]) -> float:
    return len(_words(row)) + BAR


def _words(row: Mapping[str, Any]) -> list[str]:
    return textwrap.wrap(f"{row['claim']}. {row['says']}", WIDTH)


def _panel(axes: Axes, name: str, rows: Rows) -> None:
    scale = 100 if name == POINTS else 1
    told = [row[end] for row in rows for end in ("difference", "low", "high", "margin")]
    ends = [0.0, *(scale * end for end in told if end is not None)]
    room = 0.06 * (max(ends) - min(ends) or 1.0)
    left, right = min(ends) - room, max(ends) + room
    place = 0.0
    for row in _checks(rows):
        words = "\n".join(_words(row))
        axes.text(left, place, words, size=SIZE, va="top", linespacing=1.15, bbox=BEHIND)
        at = place + len(_words(row)) + 0.75
        margin = scale * row["margin"]
        claimed = (margin, right) if row["relation"] == "greater" else (left, margin)
        axes.fill_betweenx([at - 0.5, at + 0.5], *claimed, color=style.AXIS, alpha=0.2, lw=0)
        axes.plot([margin, margin], [at - 0.5, at + 0.5], color=style.TEXT, linewidth=1.3)
        _interval(axes, at, row, scale)
        own = [scale * r["difference"] for r in rows if not r["verdict"] and _same(r, row)]
        axes.plot(own, [at] * len(own), **style.SEED)
        place += _lines(row)
    axes.axvline(0, color=style.AXIS, linewidth=0.8, linestyle=":")
    axes.set(xlim=(left, right), ylim=(place, 0))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
    axes.set_title(f"in {name}", fontsize=9, pad=8)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (one["claim"], one["says"]) == (other["claim"], other["says"])


def _interval(axes: Axes, at: float, row: Mapping[str, Any], scale: float) -> None:
    look = _look(row["verdict"])
    low, high, value = (scale * row[key] for key in ("low", "high", "difference"))
    axes.plot([low, high], [at, at], color=look["color"], linewidth=2.4, solid_capstyle="butt")
    axes.plot([value], [at], **look, linestyle="", markersize=5.5)


def _look(verdict: str) -> dict[str, Any]:
    return {"color": COLOURS[verdict], "marker": MARKERS[verdict]}


def _legend(found: Rows) -> list[Any]:
    verdicts = [verdict for verdict in COLOURS if any(r["verdict"] == verdict for r in found)]
    dots = [
        Line2D([], [], **_look(verdict), linewidth=2.4, label=f"{verdict} (95 % interval)")
        for verdict in verdicts
    ]
    side = Patch(color=style.AXIS, alpha=0.2, label="side of the margin that the paper claims")
    margin = Line2D([], [], color=style.TEXT, linewidth=1.3, label="margin")
    seed = [style.seed_mark()] if len(_checks(found)) < len(found) else []
    return [*dots, margin, *seed, side]
