"""One engine in a process of its own, as the process that asks it sees it."""

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

from stages.rollout.replica_process import GRACE, Answers, Died, Message, Progress, Start, main
from stages.rollout.shards import Shard


class Replica:
    """An engine's process; it starts with its first shard.

    held: the shards that it has and has not answered, oldest first. finished: how many completions
    of them are.
    """

    def __init__(self, start: Start) -> None:
        self._start = start
        self._process: Any = None
        self._connection: Connection | None = None
        self._last_words = ""
        self.held: list[Shard] = []
        self._finished: dict[int, int] = {}

    @property
    def finished(self) -> int:
        return sum(self._finished.values())

    @property
    def watched(self) -> list[Any]:
        """What becomes ready when there is a message or the process has ended."""
        return [self._connection, self._process.sentinel] if self._connection else []

    def give(self, shard: Shard) -> None:
        """Have a shard answered."""
        if self._connection is None:
            self._begin()
        assert self._connection is not None
        self.held.append(shard)
        with contextlib.suppress(OSError):  # it has just died, which `receive` will tell
            self._connection.send(shard)

    def receive(self) -> list[Message]:
        """What the process has said since; reads until it says no more for now."""
        messages: list[Message] = []
        with contextlib.suppress(EOFError, OSError):
            while self._connection and self._connection.poll():
                messages.append(self._connection.recv())
                self._note(messages[-1])
        return messages

    def died(self) -> str | None:
        """Why the process has ended without being told to, or None while it lives.

        What its engine had started ends, too: it holds the pipe, whose last message may be a half.
        """
        if self._process is None or self._process.is_alive():
            return None
        self._kill_group()
        return self._last_words or _cause(self._process.exitcode)

    def end(self) -> list[Shard]:
        """End the process, at once when it is at work; returns the shards that it still held."""
        if self._connection is None:
            return []
        if not self.held and self._process.is_alive():
            with contextlib.suppress(OSError):
                self._connection.send(None)
            self._process.join(2 * GRACE)
        self._kill_group()
        self._process.kill()  # it may not have made its group yet
        self._process.join()
        self._connection.close()
        held, self.held, self._finished = self.held, [], {}
        self._process = self._connection = None
        return held

    def _kill_group(self) -> None:
        """End the process and whatever its engine had started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _begin(self) -> None:
        """Fork: the engine's libraries are there already. Once CUDA has started, that is broken."""
        started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        context: Any = get_context("fork" if sys.platform == "linux" and not started else "spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=main, args=(theirs, self._start), name="engine")
        with warnings.catch_warnings():
            # Python 3.12 warns of a fork beside threads; replica_process.py says why this one works
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        theirs.close()
        self._last_words = ""

    def _note(self, message: Message) -> None:
        match message:
            case Progress(number, finished):
                self._finished[number] = finished
            case Answers(number):
                self.held = [shard for shard in self.held if shard.number != number]
                self._finished.pop(number, None)
            case Died(reason):
                self._last_words = reason


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = ": the system may have run out of memory" if -code == signal.SIGKILL else ""
        return f"ended by {name}{hint}"
    return f"ended with exit code {code}"
