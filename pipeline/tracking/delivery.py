"""Whether MLflow holds all of a run: `tracking.json` in the run's folder, its run.json, its report.

Written when the run starts (nothing is there yet) and by the process that sends, when it ends.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline import locks, state
from pipeline.run_folder import RUN, RunFolder
from pipeline.tracking.journal import FILE

DELIVERY = "tracking.json"
LINE = "- MLflow: "  # how the report's line about it begins
ALL_THERE = "all of this run is there"


@dataclass(frozen=True)
class Delivery:
    """`why` says what kept it from being whole."""

    sent: bool
    why: str


def note(folder: Path, sent: bool, why: str = "") -> None:
    """Write down how the sending stands."""
    state.write(folder / DELIVERY, Delivery(sent=sent, why=why))
    say(folder)


def say(folder: Path) -> None:
    """Let run.json and the report of a run say how its sending stands."""
    words = told(folder) or ALL_THERE
    if (folder / RUN).is_file():
        run = RunFolder(folder)
        run.write(run.facts() | {"tracking": words})
    report = RunFolder(folder).report / "report.md"
    if report.is_file():
        lines = report.read_text().split("\n")
        text = [f"{LINE}{words}." if line.startswith(LINE) else line for line in lines]
        state.replace(report, "\n".join(text).encode())


def told(folder: Path) -> str:
    """What a user shall know of a run that is not whole in MLflow; empty when all is well."""
    found = state.read(folder / DELIVERY, Delivery)
    if found is None or found.sent:
        return ""
    if locks.is_held(folder / FILE):  # by a follower
        return "still being sent"
    return f"not all of this run is there ({found.why}); {remedy(folder)}"


def remedy(folder: Path) -> str:
    """How to send what is missing."""
    here = Path.cwd()
    path = folder.relative_to(here) if folder.is_relative_to(here) else folder
    return f"`{shlex.join(['r1', 'track', str(path)])}` sends what is missing"


def unsent(runs: Path) -> Iterator[tuple[str, str]]:
    """The runs that MLflow does not hold whole, the newest first, each with the words for it."""
    for path in sorted(runs.glob(f"*/{DELIVERY}"), reverse=True):
        if not path.parent.is_symlink() and (words := told(path.parent)):
            yield path.parent.name, words
