"""Folders that one process fills aside: as long as it lives, others can tell."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def filling(folder: Path) -> Iterator[None]:
    """Make a folder and hold it; the system lets go of it when this process ends, however."""
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        yield


def is_filled(folder: Path) -> bool:
    """Whether a process of this machine fills the folder now."""
    try:
        with _locked(folder):
            return False
    except BlockingIOError:
        return True


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
