"""A lease keeps two runners off one stage.

The stage's own process takes it and keeps its time fresh from a thread. On the machine of the
holder a lease ends the moment that process is gone (process start time guards against a reused
pid); seen from another machine it ends when the heartbeat stops for `EXPIRES` seconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

HEARTBEAT = 2.0
EXPIRES = 60.0


@dataclass(frozen=True)
class Holder:
    """A process that runs a stage. `machine` separates hosts and their pid namespaces."""

    machine: str
    pid: int
    started: str
    since: float

    def __str__(self) -> str:
        return f"process {self.pid} on {self.machine.partition('/')[0]}"


class Lease:
    """The right to run one stage; use `acquire`, then `release`."""

    def __init__(self, path: Path, on_beat: Callable[[], None] | None = None) -> None:
        self._path = path
        self._on_beat = on_beat
        self._stopped = threading.Event()
        self._beating: threading.Thread | None = None

    def acquire(self) -> Holder | None:
        """Take the lease. Returns None on success, else who holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with _guarded(self._path):
            other = holder(self._path)
            if other is not None:
                return other
            self._path.unlink(missing_ok=True)
            descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            with os.fdopen(descriptor, "w") as file:
                json.dump(asdict(_this_process()), file)
        self._beating = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._beating.start()
        return None

    def release(self) -> None:
        """Give the lease back."""
        self._stopped.set()
        if self._beating is not None:
            self._beating.join()
        self._path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._stopped.wait(HEARTBEAT):
            with contextlib.suppress(OSError):
                os.utime(self._path)
                if self._on_beat is not None:
                    self._on_beat()


def holder(path: Path) -> Holder | None:
    """Who holds the lease now; None when nobody does, or nobody alive."""
    try:
        found = Holder(**json.loads(path.read_text()))
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):  # torn by a crash while it was written
        return None
    if found.machine == _machine():
        return found if _started(found.pid) == found.started else None
    return found if age < EXPIRES else None


@contextlib.contextmanager
def _guarded(path: Path) -> Iterator[None]:
    """One process at a time looks and takes; else two could both replace a dead lease."""
    with path.with_suffix(".guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def _this_process() -> Holder:
    return Holder(_machine(), os.getpid(), _started(os.getpid()), time.time())


def _machine() -> str:
    """Host and pid namespace: two containers may share a name but not their pids."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}/{namespace}"


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
