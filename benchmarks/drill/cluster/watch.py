"""What is seen of a run from outside: its attempts, how far each got, what was published.

All times are this process's own monotonic clock, since the clocks of machines are moved. A place is
the last step of a stage's curve, or what it shows as done where it has none.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_EVERY = 0.1  # seconds
_BEATS = 5.0  # seconds in which an attempt that lives changes something
_JUST = 0.5  # seconds in which what was written before a kill may be seen after it


@dataclass
class Seen:
    """One attempt at a stage: when it was first and last seen to change, and where it was when."""

    stage: str
    number: int
    begun: float
    changed: float
    outcome: str = "running"
    places: list[tuple[float, float]] = field(default_factory=list)

    @property
    def furthest(self) -> float:
        return max((place for _, place in self.places), default=0.0)

    @property
    def first(self) -> float:
        """Where it went on from: a curve is cut back to there when it begins."""
        return min((place for _, place in self.places), default=0.0)

    def beyond(self, place: float) -> float:
        """When it was further than there, after its curve was cut back."""
        since = next((at for at, found in self.places if found == self.first), self.begun)
        further = (at for at, found in self.places if at >= since and found > place)
        return next(further, self.changed)

    def reached(self, place: float) -> float | None:
        """When it was there first."""
        if place <= 0:
            return self.begun
        return next((at for at, found in self.places if found >= place), None)


@dataclass(frozen=True)
class Lost:
    """What a stage lost between two attempts.

    at: the moment of the event that ended the first one. steps, seconds: of work that was made
    again. until_back: seconds from the end of one until the other got further than it.
    """

    stage: str
    at: float
    steps: float
    seconds: float
    until_back: float


class Watch:
    """Looks at a store until it is closed."""

    def __init__(self, store: Path) -> None:
        self.attempts: dict[tuple[str, int], Seen] = {}
        self.twice: set[str] = set()  # stages whose result was seen to be replaced
        self._store = store
        self._published: dict[Path, int] = {}
        self._files: dict[Path, tuple[int, int]] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def at_work(self) -> bool:
        """Whether the heart of a stage beats."""
        now = time.monotonic()
        for file in self._store.glob(".work/*/*/attempts.json"):
            known = _json(file) or []
            seen = self.attempts.get((file.parents[1].name, len(known)))
            if seen and seen.outcome == "running" and now - seen.changed < _BEATS:
                return True
        return False

    def lost(self, events: list[float]) -> list[Lost]:
        """What was lost, of every attempt that another one followed. events: their moments."""
        found = []
        for (stage, number), seen in sorted(self.attempts.items()):
            after = self.attempts.get((stage, number + 1))
            if after is None:
                continue
            at, died = _end_of(seen, after, events)
            again = min(after.first, seen.furthest)
            kept_at = seen.reached(again)
            back = after.beyond(seen.furthest)
            again_seconds = died - (seen.begun if kept_at is None else kept_at)
            steps = seen.furthest - again
            found.append(Lost(stage, at, steps, max(0.0, again_seconds), max(0.0, back - died)))
        return found

    def _run(self) -> None:
        while not self._end.is_set():
            self._look_at_work()
            self._look_at_results()
            time.sleep(_EVERY)

    def _look_at_work(self) -> None:
        now = time.monotonic()
        for file in self._store.glob(".work/*/*/attempts.json"):
            known = _json(file)
            if not known:
                continue
            stage, number = file.parents[1].name, len(known)
            seen = self.attempts.setdefault((stage, number), Seen(stage, number, now, now))
            seen.outcome = known[-1]["outcome"]
            if self._has_changed(file):
                seen.changed = now
            place = _place(file.parent)
            if place is not None and (not seen.places or seen.places[-1][1] != place):
                seen.places.append((now, place))
                seen.changed = now

    def _look_at_results(self) -> None:
        for file in self._store.glob("[!.]*/*/manifest.json"):
            try:
                inode = file.stat().st_ino
            except OSError:
                continue
            if self._published.setdefault(file, inode) != inode:
                self.twice.add(file.parents[1].name)

    def _has_changed(self, file: Path) -> bool:
        try:
            stat = file.stat()
        except OSError:
            return False
        before, now = self._files.get(file), (stat.st_ino, stat.st_mtime_ns)
        self._files[file] = now
        return before != now


def _end_of(seen: Seen, after: Seen, events: list[float]) -> tuple[float, float]:
    """The event that ended an attempt, and when it did.

    One that is killed changes nothing more; one that is asked to leave does.
    """
    before = [at for at in events if at <= seen.changed]
    since = [at for at in events if seen.changed - _JUST < at <= after.begun]
    if since and seen.outcome != "stopped":
        return since[0], max(since[0], seen.changed)
    return (before[-1] if before else seen.changed), seen.changed


def _place(work: Path) -> float | None:
    """The last step of a stage's curve; else what it shows as done. None: nothing yet."""
    try:
        last = (work / "metrics.jsonl").read_bytes().splitlines()[-1]
        return float(json.loads(last)["step"])
    except (OSError, ValueError, IndexError, KeyError):
        shown = _json(work / "progress.json")
        return float(shown["done"]) if shown else None


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
