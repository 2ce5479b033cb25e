"""Threads that start or say that they cannot.

`Thread.start` waits for a word of its new thread. Where the limit on memory leaves room for a
thread's stack and for nothing else, the thread ends before it can say it, and its starter waits for
ever (run with Python 3.11 under `ulimit -v`). So that there is room is seen to beforehand.
"""

from __future__ import annotations

import mmap
import resource
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from pipeline.errors import RecipeError

SPARE = 1 << 20  # bytes of address space that a thread needs beside its stack
USUAL_STACK = 8 << 20  # where the system sets no limit to a stack

P = ParamSpec("P")
T = TypeVar("T")


def start(thread: threading.Thread) -> None:
    """Start a thread. RecipeError: there is no memory for one, or may be no more of them."""
    _require_room()
    try:
        thread.start()
    except RuntimeError:
        raise _none() from None


class Executor(ThreadPoolExecutor):
    """A ThreadPoolExecutor whose `submit` raises RecipeError where its thread cannot start."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a thread call `fn`."""
        _require_room()
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError as error:
            if "start new thread" not in str(error):
                raise
            raise _none() from None


def _require_room() -> None:
    stack = threading.stack_size() or resource.getrlimit(resource.RLIMIT_STACK)[0]
    if stack == resource.RLIM_INFINITY:
        stack = USUAL_STACK
    try:
        mmap.mmap(-1, stack + SPARE).close()
    except OSError:
        raise _none() from None


def _none() -> RecipeError:
    return RecipeError(
        "the system starts no thread for this process: its limit on memory (ulimit -v) or on "
        "processes (ulimit -u, or the container's) is reached. Raise it, or let the stage need "
        "less: smaller batches, launcher.threads=1, launcher.max_parallel=1"
    )
