"""Talk to another process over a descriptor, with a deadline and a limit on what it may say."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator

MOST_CROWDED = 4.0  # processes to a core beyond which patience grows no longer

_CHUNK = 1 << 16


def patience(seconds: float) -> float:
    """Wall clock for so many seconds of CPU: a loaded machine makes no answer wrong."""
    crowd = os.getloadavg()[0] / (os.cpu_count() or 1)
    return (3 * seconds + 1) * min(max(1.0, crowd), MOST_CROWDED)


class Stopped(Exception):
    """The exchange ended early; the message says why."""


class Clock:
    """A wall clock that runs out."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds; Stopped when there are none."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise Stopped("timed out")
        return seconds


def send(descriptor: int, message: bytes, clock: Clock) -> None:
    """Write all of a message; a process that does not read is stopped."""
    rest = memoryview(message)
    while rest:
        _wait(descriptor, select.POLLOUT, clock)
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            continue
        except OSError:
            raise Stopped("no result") from None


def chunks(descriptor: int, largest: int, clock: Clock) -> Iterator[bytes]:
    """What comes, up to its end; Stopped at more than `largest` bytes."""
    size = 0
    while True:
        _wait(descriptor, select.POLLIN, clock)
        try:
            received = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            continue
        except OSError:  # its end died with unread data
            return
        if not received:
            return
        size += len(received)
        if size > largest:
            raise Stopped("too much output")
        yield received


def lines(descriptor: int, largest: int, clock: Clock) -> Iterator[bytes]:
    """The whole lines among what comes."""
    parts: list[bytes] = []
    for chunk in chunks(descriptor, largest, clock):
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            yield b"".join([*parts, line])
            parts = []
        parts.append(rest)


def _wait(descriptor: int, event: int, clock: Clock) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(clock.left() * 1000):
        raise Stopped("timed out")
