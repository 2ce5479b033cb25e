"""SHA-256 of files, remembered by size and time so that a large file is read once.

The cache is a file of its own that may be lost at any time. A file whose size, modification time
or inode changed is read again; content that changes while all three stay is not noticed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path


def sha256_of(path: Path) -> str:
    """The SHA-256 of one file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Digests:
    """Digests of files, cached in one JSON file."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known: dict[str, list[object]] = _read(cache)
        self._changed = False

    def of_file(self, path: Path) -> str:
        """The SHA-256 of a file; reads it only when its size, time or inode changed."""
        stat = path.stat()
        seen: list[object] = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        key = str(path.absolute())
        known = self._known.get(key)
        if known and known[:3] == seen:
            return str(known[3])
        digest = sha256_of(path)
        self._known[key] = [*seen, digest]
        self._changed = True
        return digest

    def of_tree(self, path: Path) -> str:
        """The SHA-256 of a file, or of the names and contents of all files in a folder."""
        if path.is_file():
            return self.of_file(path)
        whole = hashlib.sha256()
        for file in files_under(path):
            whole.update(f"{file.relative_to(path).as_posix()}\0{self.of_file(file)}\n".encode())
        return whole.hexdigest()

    def save(self) -> None:
        """Keep what was learnt; a store that cannot be written only makes the next run slower."""
        if not self._changed:
            return
        with contextlib.suppress(OSError):
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            aside = self._cache.with_suffix(f".{os.getpid()}.tmp")
            aside.write_text(json.dumps(_read(self._cache) | self._known))
            aside.replace(self._cache)
            self._changed = False


def files_under(folder: Path) -> list[Path]:
    """All files of a folder in a stable order, without Python's own caches."""
    found = (p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return sorted(found)


def _read(cache: Path) -> dict[str, list[object]]:
    try:
        known: dict[str, list[object]] = json.loads(cache.read_text())
    except (OSError, ValueError):
        return {}
    return known
