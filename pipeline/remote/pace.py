"""How far large results are on their way, told now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from rich.filesize import decimal

EVERY_SECONDS = 15.0


class Pace:
    """Counts what has gone over the wire of one result; what takes less than 15 s is not told.

    said: what begins each line. total: bytes.
    """

    def __init__(self, said: str, total: int, tell: Callable[[str], None]) -> None:
        self._said = said
        self._total = total
        self._tell = tell
        self._gone = 0
        self._began = self._told = time.monotonic()

    def told(self, count: int) -> None:
        """So many bytes more."""
        self._gone += count
        now = time.monotonic()
        if now - self._told >= EVERY_SECONDS:
            self._told = now
            rate = decimal(int(self._gone / (now - self._began)))
            self._tell(f"{self._said} {decimal(self._gone)} of {decimal(self._total)}, {rate}/s")


def aloud(text: str) -> None:
    """Print a line where it is in no result's way; a live view shows it above."""
    print(text, file=sys.stderr, flush=True)
