"""One look for all figures: a colour per stage, quiet axes, PNG by Agg and SVG for pages.

An SVG says its ink, grid and paper as variables, so that it is dark where its reader's page is.
matplotlib is imported here and in the modules that draw, and these only when a report is built.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

matplotlib.use("Agg")

FONT = "DejaVu Sans"
PALETTE = ("#8d939c", "#3f76b5", "#f0b23e", "#e0752d", "#4f9d5d", "#b0304f")
STUDENTS = ("#b49a7e", "#7a5aa6", "#2f9c95", "#c76f9b")
GRID = "#e4e6ea"
WIDTH = 6.0  # inches of a figure: narrow enough for a phone, whose page it fills
CHARACTERS_PER_INCH = 13  # of the font below, in a legend
TEXT = "#333840"
AXIS = "#9aa0a8"
PAPER = "#ffffff"
#: What of a figure depends on the paper: variable → its colour in the light and in the dark.
INKS = {
    "ink": (TEXT, "#d5d9e0"),
    "axis": (AXIS, "#6b727d"),
    "grid": (GRID, "#2c313a"),
    "paper": (PAPER, "#14171c"),
}
#: A seed of several, beside what is of all.
SEED: dict[str, Any] = {
    "linestyle": "",
    "marker": "|",
    "color": TEXT,
    "alpha": 0.5,
    "markersize": 5,
}
SETTINGS: dict[Any, Any] = {
    "font.size": 9.5,
    "font.family": FONT,
    "axes.edgecolor": AXIS,
    "axes.labelcolor": TEXT,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "text.color": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "legend.frameon": False,
    "figure.dpi": 120,
    "svg.hashsalt": "r1",  # ids by content, so that equal figures are equal files
    "svg.fonttype": "none",  # words as words: a quarter of the size
}


def colours(shown: Mapping[str, Any]) -> dict[str, str]:
    """A colour per stage; a run made for comparison has that of the stage it is compared with."""
    found = dict(zip(shown["stages"], PALETTE, strict=False))
    trained = [stage for group in shown["students"] for stage in group["trained"]]
    found |= dict(zip(trained, STUDENTS, strict=False))
    for group in shown["students"]:
        found[group["base"]] = PALETTE[0]
    for curve in shown["curves"]:
        for compared in curve["compared"]:
            found[compared] = found.get(curve["stage"], TEXT)
    return found


def legend_below(figure: Figure, handles: Sequence[Artist]) -> None:
    """One legend under the whole figure, in as many rows as its words need."""
    longest = max(len(str(handle.get_label())) for handle in handles)
    characters = figure.get_figwidth() * CHARACTERS_PER_INCH
    columns = max(1, min(len(handles), int(characters // (longest + 7))))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def seed_mark(label: str = "a seed") -> Line2D:
    """What a seed looks like, for a legend."""
    return Line2D([], [], **SEED, label=label)


def wrapped(name: str, width: int = 20) -> str:
    """A stage's name beside its bar: broken after underscores, where a line grows too long."""
    lines = [""]
    for part in re.findall(r"[^_]*_?", name):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def save(figure: Figure, path: Path) -> None:
    """Write the PNG without the library's version, so that equal figures are equal files."""
    figure.savefig(path, metadata={"Software": None})


def svg(figure: Figure) -> str:
    """The figure as an SVG without a background, whose inks follow `prefers-color-scheme`."""
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    text = written.getvalue()
    for number, id_ in enumerate(dict.fromkeys(re.findall(r'id="([mp][0-9a-f]{10})"', text))):
        text = text.replace(id_, f"r{number}")  # ids hash places to the last bit, which may differ
    for name, (light, _) in INKS.items():
        text = text.replace(f": {light}", f": var(--{name})")
    text = text.replace(f"'{FONT}'", f"'{FONT}', Verdana, sans-serif")
    light, dark = (
        "".join(f"--{name}: {inks[scheme]};" for name, inks in INKS.items()) for scheme in (0, 1)
    )
    rules = f":root{{{light}}}@media (prefers-color-scheme: dark){{:root{{{dark}}}}}"
    return text.replace("</style>", f"{rules}</style>", 1)


def percent(axis: XAxis | YAxis, top: float = 1.0, bottom: float | None = 0.0) -> None:
    """Shares as per cent, from `bottom` (None: from the data) to just above `top`."""
    limits = axis.axes.set_xlim if isinstance(axis, XAxis) else axis.axes.set_ylim
    limits(bottom, top * 1.04)
    axis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def top(rows: Iterable[Mapping[str, Any]]) -> float:
    """Where an axis of shares ends: above the highest interval, so that low ones stay readable."""
    highest = max(float(row["high"] or row["value"]) for row in rows)
    return min(1.0, max(0.1, highest * 1.08))


def bars(axes: Axes, names: Sequence[str]) -> None:
    """Name the places of bars, the first at the top."""
    axes.set_yticks(range(len(names)), [wrapped(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")


def bar(
    axes: Axes,
    place: float,
    row: Mapping[str, Any],
    width: float,
    colour: str,
    seeds: Sequence[float] = (),
) -> None:
    """One bar to the right with its interval, seeds as points, and its value in per cent behind."""
    value = float(row["value"])
    axes.barh(place, value, width, color=colour)
    end = value
    if row.get("low") is not None and row.get("high") is not None:
        low, end = float(row["low"]), float(row["high"])
        axes.plot([low, end], [place, place], color=TEXT, linewidth=1, solid_capstyle="butt")
    if seeds:
        axes.plot(seeds, [place] * len(seeds), **SEED, clip_on=False)
    axes.annotate(
        f"{100 * value:.0f}",
        (max(end, *seeds, end), place),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        size=7,
    )
