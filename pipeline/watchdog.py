"""Tells when a stage does not move any more, and shows where it stands.

A stage moves when it shows progress or logs a point, and whenever code that works long in between
calls `moved` (pipeline/context.py). After `seconds` without any, the Python stacks of all threads
of its process and of those that it started go to its log, and its user is told. That repeats after
twice the time, and so on. Nothing is ended unless `stop` says so: a slow stage looks the same.

    a process that Python code started by fork    dumps its stacks itself, on a signal
    any other (vLLM's, verifiers' workers)        is named with its state: signals would end it
    a thread inside C code that keeps the GIL     faulthandler's own timer dumps, without Python

Which processes catch the signal /proc alone tells: on other systems than Linux all are only named.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from pipeline import threads
from pipeline.context import last_move, moved
from pipeline.errors import UsageError
from pipeline.notices import warn

ENDED_BY_WATCHDOG = 70
#: Of the real-time signals, where there are any: SIGUSR1 and 2 mean something to vLLM and others.
_SIGNAL = int(getattr(signal, "SIGRTMAX", signal.SIGUSR2))
_WRITING = 0.3  # seconds that a child has to write its stacks, so that they do not mix


@dataclass(frozen=True)
class Patience:
    """How long a stage may stand still before its stacks are shown (None: for ever)."""

    seconds: float | None = None
    stop: bool = False


def patience(settings: Mapping[str, Any]) -> Patience:
    """What `launcher.watchdog` says."""
    seconds, stop = settings.get("seconds"), settings.get("stop", False)
    if seconds is not None and not (isinstance(seconds, int | float) and seconds > 0):
        raise UsageError(
            f"launcher.watchdog.seconds: found {seconds!r}, expected a number above 0, or null to "
            "let stages stand still for ever."
        )
    return Patience(seconds, bool(stop))


@contextmanager
def watching(patience: Patience) -> Iterator[None]:
    """Watch this process while the block runs."""
    if patience.seconds is None:
        yield
        return
    moved()
    faulthandler.register(_SIGNAL, file=sys.stderr, all_threads=True)  # forks inherit it
    _arm(patience)
    over = threading.Event()
    thread = threading.Thread(
        target=_watch, args=(patience, patience.seconds, over), name="watchdog", daemon=True
    )
    threads.start(thread)
    try:
        yield
    finally:
        over.set()
        thread.join()
        faulthandler.cancel_dump_traceback_later()


def _arm(patience: Patience) -> None:
    """Start faulthandler's timer anew. It ends only if nobody could: something keeps the GIL."""
    faulthandler.dump_traceback_later(max(patience.seconds or 0, 1), exit=patience.stop)


def _watch(patience: Patience, seconds: float, over: threading.Event) -> None:
    limit, seen = seconds, last_move()
    while not over.wait(seconds / 10):
        _arm(patience)
        if last_move() != seen:
            limit, seen = seconds, last_move()
        if time.monotonic() - seen > limit:
            _tell(time.monotonic() - seen, patience.stop)
            limit *= 2


def _tell(still: float, stop: bool) -> None:
    dump()
    then = "ended by launcher.watchdog.stop" if stop else "it goes on"
    warn(
        f"no progress for {still:.0f} s; the stacks of its threads and processes are in its log; "
        f"{then}. If that is how long it takes, raise launcher.watchdog.seconds"
    )
    if stop:
        os._exit(ENDED_BY_WATCHDOG)


def dump() -> None:
    """Write all stacks to stderr: this process's, then its children's."""
    print(f"--- stacks of process {os.getpid()} ---", file=sys.stderr, flush=True)
    faulthandler.dump_traceback(sys.stderr, all_threads=True)
    for process in psutil.Process().children(recursive=True):  # parents first
        said = f"process {process.pid} ({_name_and_state(process)})"
        if not _shows_stacks(process.pid):
            print(f"--- {said}: no Python stacks ---", file=sys.stderr, flush=True)
            continue
        print(f"--- stacks of {said} ---", file=sys.stderr, flush=True)
        with contextlib.suppress(psutil.Error):
            process.send_signal(_SIGNAL)
            time.sleep(_WRITING)


def _name_and_state(process: psutil.Process) -> str:
    try:
        return f"{process.name()}, {process.status()}"
    except psutil.Error:
        return "has just ended"


def _shows_stacks(process: int) -> bool:
    """Whether a process catches the signal that shows its stacks; psutil does not tell."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    caught = int(status.partition("SigCgt:")[2].split(maxsplit=1)[0], 16)
    return bool(caught >> (_SIGNAL - 1) & 1)
