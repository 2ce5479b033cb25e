"""The attempts at a stage, kept in its work directory: when, how long, how each ended.

An attempt that is killed cannot say so. Its seconds are written with every heartbeat, and the next
attempt marks it as killed, so a manifest adds up all the time that a result took.
"""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_FILE = "attempts.json"


class Attempts:
    """The list of attempts in one work directory."""

    def __init__(self, work: Path) -> None:
        self._path = work / _FILE
        self._clock = time.monotonic()
        self._attempts = self._read()
        self._writing = threading.RLock()  # the heartbeat is a thread of its own

    def start(self, host: str, threads: int = 1, processes: int = 1) -> None:
        """Begin a new attempt; one that never ended was killed."""
        for attempt in self._attempts:
            if attempt["outcome"] == "running":
                attempt["outcome"] = "killed"
        self._clock = time.monotonic()
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self._attempts.append(
            {
                "started": started,
                "seconds": 0.0,
                "host": host,
                "threads": threads,
                "processes": processes,
                "outcome": "running",
            }
        )
        self._write()

    def beat(self) -> None:
        """Note the time spent so far."""
        self._attempts[-1]["seconds"] = round(time.monotonic() - self._clock, 2)
        self._write()

    def end(self, outcome: str, message: str | None = None) -> None:
        """Close the current attempt, if it has begun: finished, failed or stopped."""
        if not self._attempts or self._attempts[-1]["outcome"] != "running":
            return
        self._attempts[-1]["outcome"] = outcome
        if message is not None:
            self._attempts[-1]["message"] = message
        self.beat()

    def last(self, name: str) -> int | None:
        """`threads` or `processes` of the last attempt: what a resume repeats to be exact."""
        return self._attempts[-1].get(name) if self._attempts else None

    def failure(self) -> str | None:
        """The message of the last attempt, when that failed."""
        if not self._attempts or self._attempts[-1]["outcome"] != "failed":
            return None
        return str(self._attempts[-1].get("message", "failed"))

    @property
    def seconds(self) -> float:
        """The time of all attempts together."""
        return round(sum(float(attempt["seconds"]) for attempt in self._attempts), 2)

    @property
    def all(self) -> list[dict[str, Any]]:
        return list(self._attempts)

    def _read(self) -> list[dict[str, Any]]:
        try:
            attempts: list[dict[str, Any]] = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return []
        return attempts

    def _write(self) -> None:
        with self._writing:
            aside = self._path.with_suffix(f".{os.getpid()}.tmp")
            aside.write_text(json.dumps(self._attempts, indent=1))
            aside.replace(self._path)
