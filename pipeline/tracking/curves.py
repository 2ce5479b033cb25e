"""The new points of a metrics.jsonl that another process writes, and may rewind or replace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline import metrics
from pipeline.metrics import Point


class Tail:
    """Reads a curve as it grows. A file that was replaced is read again from its start."""

    def __init__(self) -> None:
        self._inode = 0
        self._offset = 0
        self._seen: dict[int, bytes] = {}

    def forget(self) -> None:
        """Read everything again next time: what was read last did not arrive."""
        self._inode, self._offset, self._seen = 0, 0, {}

    def new(self, path: Path) -> Iterator[Point]:
        """Whole new lines that say something else than what was seen at their step."""
        try:
            stat = path.stat()
            if stat.st_ino != self._inode or stat.st_size < self._offset:
                self._inode, self._offset = stat.st_ino, 0
            with path.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except FileNotFoundError:  # not logged yet, or published and gone
            return
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        yield from self._changed(whole)

    def _changed(self, text: bytes) -> Iterator[Point]:
        for line in text.splitlines():
            point = metrics.parse(line)
            if point is not None and self._seen.get(int(point["step"])) != line:
                self._seen[int(point["step"])] = line
                yield point
