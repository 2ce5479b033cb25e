"""What goes wrong with disks, told as such: full, read-only, somebody else's, not there."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import RecipeError, UsageError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_ROOM = 2**20  # bytes; a disk with less left is full, whatever a library made of it


@contextlib.contextmanager
def told(store: Path) -> Iterator[None]:
    """Turn the errors of disks into a RecipeError each; others pass."""
    try:
        yield
    except OSError as error:
        if (full := full_disk(error, store)) is not None:
            raise RecipeError(full_message(full)) from error
        if error.filename and error.strerror:
            raise RecipeError(f"{os.fsdecode(error.filename)}: {error.strerror}") from error
        raise


def full_disk(error: BaseException, store: Path) -> Path | None:
    """What lies on the full disk that an error comes from; None if no disk is full.

    Libraries wrap a full disk in errors of their own, or speak of something else: torch.save says
    "unexpected pos". So where an error is not clear, the disk of the store is looked at.
    """
    if not (full := _says_full(error)):
        clear = isinstance(error, RecipeError) or getattr(error, "errno", None)
        return store if not clear and _free(store) < _ROOM else None
    if isinstance(full, OSError) and full.filename:
        return Path(os.fsdecode(full.filename))
    return min((store, Path(tempfile.gettempdir())), key=_free)


def full_message(folder: Path) -> str:
    """What to tell the user when the disk of a folder is full."""
    return (
        f"the disk is full: {_free(folder) / 2**20:.0f} MiB left for {folder}.\n"
        "Every finished stage is kept. Make room on that disk, then give the same command again. "
        "(`r1 gc` lists what cut and broken attempts left in the store, with its size.)"
    )


def require_writable(folder: Path, key: str) -> None:
    """Make a folder for results. Raises UsageError with the config key if it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno in _FULL:
            raise
        raise UsageError(
            f"{key}: {folder} cannot be written ({error.strerror}). Results go below paths.root: "
            "set it, or R1_ROOT, to a folder of yours."
        ) from error


def require_no_file(folder: Path, key: str) -> None:
    """Raise UsageError if something else is where a folder, or one above it, would be."""
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not there.is_dir():
        raise UsageError(f"{key}: {there} is no folder, and results would go to {folder}.")


def _says_full(error: BaseException | None) -> BaseException | None:
    """The error, or what caused it, that names a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return error
        if "No space left on device" in str(error):
            return error
        error = error.__cause__ or error.__context__
    return None


def _free(folder: Path) -> int:
    """Bytes left for a folder that is there or will be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free
