"""Whether the writer of a file on a shared disk lives: each beat sets the file's time anew.

Clocks of two machines are never compared: a heart has stopped when its file has not changed for so
long by the reader's own monotonic clock. A reader that has watched one stand still writes down at
which beat, so that others need not watch as long.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline import state


@dataclass(frozen=True)
class Beat:
    """What a reader saw of a file: a digest of its content, and its time in ns, by any clock."""

    content: str
    at: int


def beats(path: Path, patience: float) -> bool:
    """Whether the heart of a file's writer may still beat.

    At first sight it does. It has stopped when this process saw the same beat `patience` seconds
    ago, or another reader wrote down that it did.
    """
    beat = beat_of(path)
    if beat is None or state.read(stopped(path), Beat) == beat:
        return False
    before, since = _seen.get(path, (None, 0.0))
    if before != beat:
        _seen[path] = beat, time.monotonic()
        return True
    if time.monotonic() - since < patience:
        return True
    was_the_last(path, beat)
    return False


def was_the_last(path: Path, beat: Beat) -> None:
    """Write down that after this beat there was none, so that nobody else waits for another."""
    with contextlib.suppress(OSError):  # a store that can only be read
        state.write(stopped(path), beat)


def begins(path: Path) -> None:
    """Take away what was written down of the heart before, whole or not. Raises OSError."""
    for found in path.parent.glob(f"{glob.escape(stopped(path).name)}*"):
        found.unlink(missing_ok=True)


_seen: dict[Path, tuple[Beat, float]] = {}


def beat_of(path: Path) -> Beat | None:
    """The last beat. The file is opened, so that a network disk does not tell what it remembers."""
    try:
        with path.open("rb") as file:
            written = hashlib.sha256(file.read()).hexdigest()
            return Beat(written, os.fstat(file.fileno()).st_mtime_ns)
    except OSError:
        return None


def stopped(path: Path) -> Path:
    """Where it is written down at which beat a heart stopped."""
    return path.with_suffix(".stopped")
