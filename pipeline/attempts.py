"""The attempts at a stage, kept in its work directory: when, how long, how each ended.

An attempt that is killed cannot say so. Its seconds are written with every heartbeat, and the next
attempt marks it as killed, so a manifest adds up all the time that a result took. Each has a token;
the last in the file is whose stage it is, and one that another has followed writes nothing more.
"""

from __future__ import annotations

import copy
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NotRequired

from pydantic import FiniteFloat
from typing_extensions import TypedDict

from pipeline import state

_FILE = "attempts.json"


class Attempt(TypedDict):
    """One of them: `seconds` long, on `processes` processes of `threads` threads."""

    started: str
    seconds: FiniteFloat
    host: str
    outcome: str  # running, then finished, failed, stopped or killed
    threads: NotRequired[int]
    processes: NotRequired[int]
    message: NotRequired[str]
    token: NotRequired[str]


class Attempts:
    """The list of attempts in one work directory."""

    def __init__(self, work: Path) -> None:
        self._path = work / _FILE
        self._clock = time.monotonic()
        self._attempts = self._read()
        self._token: str | None = None  # of the attempt that this process makes
        self._guard = threading.RLock()  # the heartbeat is a thread of its own

    def start(self, host: str, threads: int = 1, processes: int = 1) -> str:
        """Begin a new attempt, under the stage's lease; one that never ended was killed.

        Returns its token.
        """
        with self._guard:
            self._attempts = self._read()
            for attempt in self._attempts:
                if attempt["outcome"] == "running":
                    attempt["outcome"] = "killed"
            self._clock = time.monotonic()
            self._token = uuid.uuid4().hex
            self._attempts.append(
                {
                    "started": datetime.now(UTC).isoformat(timespec="seconds"),
                    "seconds": 0.0,
                    "host": host,
                    "threads": threads,
                    "processes": processes,
                    "outcome": "running",
                    "token": self._token,
                }
            )
            state.write(self._path, self._attempts)
            return self._token

    def beat(self) -> None:
        """Note the time spent so far, while an attempt runs and no other has followed it."""
        with self._guard:
            if self.is_current():
                self._attempts[-1]["seconds"] = round(time.monotonic() - self._clock, 2)
                state.write(self._path, self._attempts)

    def is_current(self) -> bool:
        """Whether an attempt of this process runs, and is the last one."""
        return self._token is not None and self.is_of(self._token)

    def is_of(self, token: str) -> bool:
        """Whether the last attempt is the one with this token."""
        found = self._read()
        return not found or found[-1].get("token") == token

    def end(self, outcome: str, message: str | None = None) -> None:
        """Close the current attempt, if it has begun: failed or stopped."""
        with self._guard:
            if self._token is None:
                return
            self._attempts[-1]["outcome"] = outcome
            if message is not None:
                self._attempts[-1]["message"] = message
            self.beat()
            self._token = None

    def finish(self) -> list[Attempt]:
        """All attempts, for the manifest, the current one as finished: it is when it is published.

        What it returns no heartbeat changes. In the work directory the attempt still runs, so one
        that is killed before it has published counts as killed.
        """
        with self._guard:
            self.beat()
            attempts = copy.deepcopy(self._attempts)
        attempts[-1]["outcome"] = "finished"
        for attempt in attempts:
            attempt.pop("token", None)
        return attempts

    def close(self) -> None:
        """Write no more: the work directory is about to go."""
        with self._guard:
            self._token = None

    def last(self, name: Literal["threads", "processes"]) -> int | None:
        """`threads` or `processes` of the last attempt: what a resume repeats to be exact."""
        return self._attempts[-1].get(name) if self._attempts else None

    def failure(self) -> str | None:
        """The message of the last attempt, when that failed."""
        if not self._attempts or self._attempts[-1]["outcome"] != "failed":
            return None
        return self._attempts[-1].get("message", "failed")

    def _read(self) -> list[Attempt]:
        return state.read(self._path, list[Attempt]) or []


def seconds_of(attempts: list[Attempt]) -> float:
    """The time of all attempts together."""
    return round(sum(attempt["seconds"] for attempt in attempts), 2)
