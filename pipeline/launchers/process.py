"""How a process of a stage begins and ends: its group, its output, its signals, its parent."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from pipeline import threads
from pipeline.context import LEAVE, ask_to_leave

ASKED = 128 + signal.SIGTERM  # the exit code of a process that was asked to end
GRACE = 5.0  # seconds to close pools and files in


def _nothing() -> None: ...


def begin(log: Path, scheduled: bool = False, last_words: Callable[[], None] = _nothing) -> None:
    """Make this process a stage's.

    scheduled: a scheduler may want the machine back. last_words: see `end_with_parent`.
    """
    gc.freeze()  # else a collection copies every page of what the fork server imported
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, exit_on_sigterm)
    if scheduled:
        signal.signal(LEAVE, leave_now)
    redirect_output(log)
    end_with_parent(last_words)


def exit_on_sigterm(*_: Any) -> None:
    """Let the stage close its pools and files; the runner kills what does not end in time."""
    raise SystemExit(ASKED)


def leave_now(*_: Any) -> None:
    """The same for a stage that keeps what it has as it goes, and need not be asked twice."""
    ask_to_leave()
    raise SystemExit(ASKED)


def redirect_output(log: Path) -> None:
    """Send everything that this process and its children print to the stage's log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable()


def end_with_parent(last_words: Callable[[], None] = _nothing) -> None:
    """A runner killed with SIGKILL cannot stop its stages: each process watches for its end.

    last_words: called before this one ends itself; may raise OSError.
    """
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        with contextlib.suppress(OSError):
            last_words()
        os.killpg(0, signal.SIGKILL)

    threads.start(threading.Thread(target=watch, name="parent-watch", daemon=True))
