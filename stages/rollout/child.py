"""An engine's process on this machine, as the process that started it sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import warnings
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import torch
import torch.distributed as dist

from stages.rollout.replica_process import GRACE, Start, main


class Child:
    """A process that serves `connection`, started here."""

    def __init__(self, start: Start) -> None:
        """Fork: the engine's libraries are there already.

        Where CUDA or torch.distributed has started, a fork of it is broken, so that the process
        imports everything anew.
        """
        begun = torch.cuda.is_initialized() or dist.is_initialized()  # type: ignore[no-untyped-call]
        context: Any = get_context("fork" if sys.platform == "linux" and not begun else "spawn")
        ours, theirs = context.Pipe()
        self.connection: Connection = ours
        self._process = context.Process(target=main, args=(theirs, start), name="engine")
        with warnings.catch_warnings():
            # Python 3.12 warns of a fork beside threads; replica_process.py says why this one works
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        theirs.close()

    @property
    def watched(self) -> list[Any]:
        """What becomes ready when there is a message or the process has ended."""
        return [self.connection, self._process.sentinel]

    def lost(self) -> None:
        """The process has ended, or is about to."""

    def died(self) -> str | None:
        """How the process has ended without being told to, or None while it lives.

        What its engine had started ends, too: it holds the pipe, whose last message may be a half.
        """
        if self._process.is_alive():
            return None
        self._kill_group()
        return _cause(self._process.exitcode)

    def end(self, at_once: bool) -> None:
        """End the process; one that is not at work is asked to."""
        if not at_once and self._process.is_alive():
            with contextlib.suppress(OSError):
                self.connection.send(None)
            self._process.join(2 * GRACE)
        self._kill_group()
        self._process.kill()  # it may not have made its group yet
        self._process.join()
        self.connection.close()

    def _kill_group(self) -> None:
        """End the process and whatever its engine had started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = ": the system may have run out of memory" if -code == signal.SIGKILL else ""
        return f"ended by {name}{hint}"
    return f"ended with exit code {code}"
