"""What the runs of one answer may take."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.verifiers.exchange import patience
from stages.verifiers.jail_server import Limits
from stages.verifiers.verdict import Unreadable, Verdict

FAILED = Verdict(0.0, "a test failed")
TIMED_OUT = Verdict(0.0, "program: timed out")
SHORTEST = 0.05  # seconds of CPU that a run gets in any case


@dataclass
class Budget:
    """CPU time: `seconds` of one run, `left` for all that are still to come, until `late`.

    late: when all runs must have ended, by `time.monotonic`.
    """

    seconds: float
    left: float
    memory_mb: int
    late: float = math.inf

    @classmethod
    def of(cls, runs: int, wanted: float | None, usual: float, memory_mb: int) -> Budget:
        """What a row gets that wants so many seconds for each of its runs, or says nothing."""
        total = max(usual, runs * (wanted or 0.0))
        return cls(wanted or usual, total, memory_mb)

    @classmethod
    def of_tests(cls, tests: int, each: float, whole: float | None, memory_mb: int) -> Budget:
        """What a row gets that says how long each test, a run of its own, and all may take."""
        return cls(each, max(each, min(whole or math.inf, tests * each)), memory_mb)

    @property
    def wall(self) -> float:
        """Wall clock that all runs may take."""
        return patience(self.left)

    def begin(self) -> None:
        """The clock of all runs starts."""
        self.late = time.monotonic() + self.wall

    def limits(self) -> Limits:
        """The limits of the next run."""
        seconds = max(min(self.seconds, self.left), SHORTEST)
        wall = min(patience(seconds), max(self.late - time.monotonic(), SHORTEST))
        return Limits(seconds, self.memory_mb, wall)

    def spend(self, seconds: float) -> None:
        self.left -= seconds


def fault(problem: str) -> Verdict:
    """The verdict on a program that did not come to an end as it should."""
    return Verdict(0.0, f"program: {problem}")


def accepted(output: Any) -> list[Any]:
    """The outputs that a row takes for right: one, or those that {"accept": [...]} lists."""
    if not isinstance(output, Mapping) or output.keys() != {"accept"}:
        return [output]
    if not isinstance(output["accept"], list | tuple) or not output["accept"]:
        raise Unreadable("`accept` must list at least one right output")
    return list(output["accept"])
