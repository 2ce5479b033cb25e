"""asyncio without sockets: a loop that waits for its tasks and threads, and for nothing else."""

from __future__ import annotations

import asyncio
import selectors
import threading
from typing import Any


class _Waiting(selectors.SelectSelector):
    """Waits until something is to be done; no descriptor can be registered with it."""

    def __init__(self) -> None:
        super().__init__()
        self.called = threading.Event()

    def select(self, timeout: float | None = None) -> list[Any]:
        self.called.wait(timeout)
        self.called.clear()
        return []


class Loop(asyncio.SelectorEventLoop):
    """A loop that another thread wakes without a pipe, which no program here can open."""

    def __init__(self) -> None:
        self._waiting = _Waiting()
        super().__init__(self._waiting)

    def _make_self_pipe(self) -> None: ...

    def _close_self_pipe(self) -> None: ...

    def _write_to_self(self) -> None:
        self._waiting.called.set()


class Policy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = Loop
