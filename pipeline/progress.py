"""How far a running stage is, from the progress file in its work directory."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline.context import PROGRESS


@dataclass(frozen=True)
class View:
    """One row of the live view; `seconds` is the time in this run."""

    stage: str
    kind: str
    state: str
    seconds: float | None = None
    done: float | None = None
    total: float | None = None
    unit: str = ""
    rate: float | None = None
    left: float | None = None


class Progress:
    """Follows one attempt of a stage; the rate is that of this attempt alone."""

    def __init__(self, work: Path) -> None:
        self._path = work / PROGRESS
        self._since = time.time()
        self._first: tuple[float, float] | None = None

    def view(self, stage: str, kind: str) -> View:
        """The stage as it is now."""
        elapsed = time.time() - self._since
        plain = View(stage, kind, "running", elapsed)
        try:
            read = json.loads(self._path.read_text())
            at, done, total = float(read["time"]), float(read["done"]), float(read["total"])
        except (OSError, ValueError, KeyError):
            return plain
        if at < self._since:  # left by an earlier attempt
            return plain
        first_at, first_done = self._first = self._first or (at, done)
        rate = (done - first_done) / (at - first_at) if at > first_at else None
        left = (total - done) / rate if rate else None
        return View(
            stage, kind, "running", elapsed, done, total, str(read.get("unit", "step")), rate, left
        )


def clock(seconds: float | None) -> str:
    """Seconds for people: 0:07, 12:30, 1:02:03."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
