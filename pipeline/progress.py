"""How far a running stage is, from the progress file in its work directory."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import FiniteFloat
from typing_extensions import TypedDict

from pipeline import state
from pipeline.context import PROGRESS


class _Facts(TypedDict):
    done: FiniteFloat
    total: FiniteFloat
    unit: str
    time: FiniteFloat
    also: dict[str, FiniteFloat]


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
    also: Mapping[str, float] = field(default_factory=dict)  # unit → how many of it a second


class Progress:
    """Follows one attempt of a stage; the rate is that of this attempt alone.

    A stage that counts anew, as evaluation does for each thinking budget, has a new rate.
    """

    def __init__(self, work: Path) -> None:
        self._path = work / PROGRESS
        self._since = time.monotonic()
        self._before = state.read(self._path, _Facts)  # left by an earlier attempt
        self._first: tuple[float, float, dict[str, float]] | None = None
        self._done, self._total = 0.0, 0.0

    def view(self, stage: str, kind: str) -> View:
        """The stage as it is now."""
        elapsed = time.monotonic() - self._since
        plain = View(stage, kind, "running", elapsed)
        facts = state.read(self._path, _Facts)
        if facts is None or facts == self._before:
            return plain
        at, done, total, also = facts["time"], facts["done"], facts["total"], facts["also"]
        if self._first is None or done < self._done or total != self._total:
            self._first = (at, done, also)
        self._done, self._total = done, total
        first_at, first_done, first_also = self._first
        if at <= first_at:
            return View(stage, kind, "running", elapsed, done, total, facts["unit"])
        rate = (done - first_done) / (at - first_at)
        left = (total - done) / rate if rate else None
        rates = {
            unit: (count - first_also.get(unit, 0.0)) / (at - first_at)
            for unit, count in also.items()
        }
        return View(stage, kind, "running", elapsed, done, total, facts["unit"], rate, left, rates)


@dataclass(frozen=True)
class Place:
    """How far a stage was."""

    done: float
    total: float
    unit: str

    def near(self, before: Place) -> bool:
        """Whether it got no further than to a place before this one, or hardly that far."""
        same = (self.total, self.unit) == (before.total, before.unit)
        return same and _HARDLY * before.done <= self.done <= before.done


_HARDLY = 0.8
NOWHERE = Place(0.0, 0.0, "")  # of a stage that has shown none


def where(work: Path) -> Place:
    """The last progress that a stage has shown."""
    facts = state.read(work / PROGRESS, _Facts)
    return Place(facts["done"], facts["total"], facts["unit"]) if facts else NOWHERE


def clock(seconds: float | None) -> str:
    """Seconds for people: 0:07, 12:30, 1:02:03."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
