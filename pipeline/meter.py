"""Where the time of a stage goes and what it counts on the way, over all its attempts.

    with meter.phase("rollout"): ...   seconds; a phase inside another takes its time out of it,
                                       unless that one is `whole`
    meter.count(tokens_out=120)        numbers that are added up
    meter.most(longest=37)             numbers of which the largest is kept

Before the first phase a stage is in `start`, between phases in `other`. Called from anywhere in a
process of a stage, as `moved` of pipeline/context.py; phases are those of its main thread. Each
process writes what it has into a file of its own and its attempt, every few seconds, so that the
part of an attempt that was killed is in the sum.

The manifest has the sum as `cost`, beside `seconds`. Nothing of it is in what a stage makes.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import FiniteFloat

from pipeline import state, usage

START, OTHER = "start", "other"
EVERY = 5.0  # seconds between two writings

_FOLDER = "meter"  # in a stage's work directory


@dataclass
class Spent:
    """Seconds by phase, sums, and largest values.

    processor: seconds by phase that this process computed, so how far it had to wait for others;
    beside them `children` are those of the processes that it started and that have ended.
    Of memory the largest process counts: `memory_mib`. Of an accelerator, `device_mib` is what its
    tensors took, `device_used_mib` all that anybody held whenever this was written.
    """

    phases: dict[str, FiniteFloat] = field(default_factory=dict)
    processor: dict[str, FiniteFloat] = field(default_factory=dict)
    counts: dict[str, FiniteFloat] = field(default_factory=dict)
    peaks: dict[str, FiniteFloat] = field(default_factory=dict)

    def add(self, other: Spent) -> None:
        """Take in what another attempt or process spent."""
        _add(self.phases, other.phases)
        _add(self.processor, other.processor)
        _add(self.counts, other.counts)
        self.raise_to(other.peaks)

    def raise_to(self, peaks: Mapping[str, float]) -> None:
        """Keep the larger of each."""
        self.peaks |= {name: max(peaks[name], self.peaks.get(name, 0.0)) for name in peaks}

    def rounded(self) -> Spent:
        """As the manifest has it: seconds to the millisecond, peaks as whole numbers."""
        return Spent(
            _rounded(self.phases, 3),
            _rounded(self.processor, 3),
            _rounded(self.counts, 3),
            _rounded(self.peaks, 0),
        )


class Meter:
    """What one process spends."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._spent = Spent()
        self._phase = START
        self._whole = False  # the phase has all that is inside it
        self._since = self._written = time.monotonic()
        self._computed = time.process_time()
        self._guard = threading.Lock()

    def turn_to(self, phase: str) -> str:
        """What follows is of this phase; returns the one before."""
        now, computed, before = time.monotonic(), time.process_time(), self._phase
        phase = before if self._whole else phase
        with self._guard:
            _add(self._spent.phases, {before: now - self._since})
            _add(self._spent.processor, {before: computed - self._computed})
            self._phase, self._since, self._computed = phase, now, computed
        if now - self._written > EVERY:
            self.write()
        return before

    def keep_whole(self, whole: bool) -> None:
        """From here on no other phase begins, or any may again."""
        self._whole = whole

    def tick(self) -> None:
        """Time goes on in the same phase."""
        self.turn_to(self._phase)

    def ran_beside(self, seconds: float) -> None:
        with self._guard:
            _add(self._spent.processor, {"children": seconds})

    def count(self, numbers: Mapping[str, float]) -> None:
        with self._guard:
            _add(self._spent.counts, numbers)

    def most(self, numbers: Mapping[str, float]) -> None:
        with self._guard:
            self._spent.raise_to(numbers)

    def take(self) -> Spent:
        """What was counted since the last call, for another process to add to its own."""
        self.most(usage.memory())
        with self._guard:
            taken, self._spent = self._spent, Spent()
        return _untimed(taken)

    def write(self) -> None:
        """Put it down; a folder that is gone, or a full disk, costs nothing but this."""
        self.most(usage.memory())
        self._written = time.monotonic()
        if self._path is None or not self._path.parent.is_dir():
            return
        with self._guard, contextlib.suppress(OSError):
            state.write(self._path, self._spent)


_meter = Meter()


@contextlib.contextmanager
def running(work: Path, rank: int = 0) -> Iterator[None]:
    """Inside, this process is a stage's, or a rank of its gang."""
    before = usage.children_seconds()
    begin(work / _FOLDER / f"{rank}-{uuid.uuid4().hex}.json")
    try:
        yield
    finally:
        _meter.ran_beside(usage.children_seconds() - before)
        _meter.tick()
        _meter.write()


def begin(path: Path | None = None) -> None:
    """Count from nothing, as a process does that was forked; without a file for one that asks."""
    global _meter
    if path:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
    _meter = Meter(path)


def tick() -> None:
    """Call it where work comes in parts: what was spent so far outlives a kill."""
    if _of_main_thread():
        _meter.tick()


@contextlib.contextmanager
def phase(name: str, whole: bool = False) -> Iterator[None]:
    """What is done inside is of this phase. whole: what has a phase of its own there, too."""
    before = turn_to(name)
    if whole and _of_main_thread():
        _meter.keep_whole(True)
    try:
        yield
    finally:
        if whole and _of_main_thread():
            _meter.keep_whole(False)
        turn_to(OTHER if before == START else before)


def turn_to(name: str) -> str:
    """The same where no block can tell; returns the phase before. Other threads tell of nothing."""
    return _meter.turn_to(name) if _of_main_thread() else name


def count(**numbers: float) -> None:
    """Add to the sums."""
    _meter.count(numbers)


def most(**numbers: float) -> None:
    """Keep the largest."""
    _meter.most(numbers)


def take() -> Spent:
    """What this process counted since the last call, for the one that asks it: see `add`."""
    return _meter.take()


def add(spent: Spent) -> None:
    """Add what a process of this stage has counted."""
    _meter.count(spent.counts)
    _meter.most(spent.peaks)


def total(work: Path) -> Spent:
    """What all attempts spent; of a gang, the phases of rank 0 and the counts of all."""
    whole = Spent()
    for path in sorted((work / _FOLDER).glob("*.json")):
        if found := state.read(path, Spent):
            whole.add(found if path.name.startswith("0-") else _untimed(found))
    return whole.rounded()


def _untimed(spent: Spent) -> Spent:
    """What counts of a process beside the one that tells the time."""
    return Spent(counts=spent.counts, peaks=spent.peaks)


def _of_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _add(sums: dict[str, float], numbers: Mapping[str, float]) -> None:
    for name, number in numbers.items():
        sums[name] = sums.get(name, 0.0) + number


def _rounded(numbers: Mapping[str, float], digits: int) -> dict[str, float]:
    return {name: round(value, digits) for name, value in numbers.items()}
