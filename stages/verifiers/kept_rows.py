"""Rows that a worker keeps, so that the tests of a program travel to it once and not per answer.

The pool and its worker each have one, and add and use rows in the same order, so that both know
which are there: whoever was used longest ago goes first.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Generic, TypeVar

LONG = 4096  # bytes from which a row travels by itself
KEPT_BYTES = 64 << 20  # of a worker's rows, as they travelled
MARK = b"row "  # begins the line of a row; then its name, and the row in JSON

Value = TypeVar("Value")


def name_of(row: bytes) -> str:
    """What a row is called by, in lines and keys."""
    return hashlib.sha256(row).hexdigest()


class KeptRows(Generic[Value]):
    """Rows by name, as many as KEPT_BYTES hold; one at least."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, tuple[int, Value]] = OrderedDict()
        self._bytes = 0

    def has(self, name: str) -> bool:
        """Whether the row is there; it is then the last to go."""
        if name in self._rows:
            self._rows.move_to_end(name)
            return True
        return False

    def use(self, name: str) -> Value:
        """A row that is there; it is then the last to go."""
        self._rows.move_to_end(name)
        return self._rows[name][1]

    def add(self, name: str, size: int, value: Value) -> None:
        """A row that is not there, of so many bytes."""
        self._rows[name] = (size, value)
        self._bytes += size
        while self._bytes > KEPT_BYTES and len(self._rows) > 1:
            _, (gone, _) = self._rows.popitem(last=False)
            self._bytes -= gone
