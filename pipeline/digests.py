"""SHA-256 of files, remembered by size and time so that a large file is read once.

On a shared disk it is read where it was made: the stage's process writes down what it published, on
whichever machine, and the runner looks there before it reads a file over the network.

The cache is a file of its own that may be lost at any time. A file whose size, modification time
or inode changed is read again; content that changes while all three stay is not noticed. Every
entry carries a seal, so that one that was harmed counts as absent; and where a digest is not the
one that is expected, `again` asks the file itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from pipeline import state


def sha256_of(path: Path) -> str:
    """The SHA-256 of one file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


#: Of one file: size, modification time in ns, inode, SHA-256, seal.
_Entry = list[int | str]
_LENGTH = 5


class Digests:
    """Digests of files, cached in one JSON file."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known: dict[str, _Entry] = {}  # what this process learnt
        self._kept: dict[str, _Entry] = {}  # what the cache held at the last look
        self._looked: tuple[int, ...] = ()  # which cache that was
        self._changed = False

    def of_file(self, path: Path) -> str:
        """The SHA-256 of a file; reads it only when its size, time or inode changed."""
        stat, key = path.stat(), _key(path)
        while True:
            for entries in (self._known, self._kept):
                known = entries.get(key, [])
                if len(known) == _LENGTH and known == _entry(key, stat, digest := str(known[3])):
                    return digest
            if not self._look_again():
                return self.again(path)

    def again(self, path: Path) -> str:
        """The SHA-256 of a file, read now whatever the cache says."""
        stat, key = path.stat(), _key(path)
        digest = sha256_of(path)
        self._known[key] = _entry(key, stat, digest)
        self._changed = True
        return digest

    def moved(self, folder: Path, names: Iterable[str], to: Path) -> None:
        """What was learnt of files holds of them where they were moved to, unless they changed."""
        for name in names:
            known = self._known.pop(_key(folder / name), None)
            if known is not None:
                key = _key(to / name)
                self._known[key] = _sealed(key, known[:-1])

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
            state.write(self._cache, _read(self._cache) | self._known)
            self._changed = False

    def _look_again(self) -> bool:
        """Read the cache if another process has written it since; whether it has.

        It is opened, so that a network disk does not tell what it remembers of it.
        """
        try:
            with self._cache.open("rb") as file:
                stat = os.fstat(file.fileno())
        except OSError:
            return False
        found = stat.st_ino, stat.st_mtime_ns, stat.st_size
        if found == self._looked:
            return False
        self._looked, self._kept = found, _read(self._cache)
        return True


def files_under(folder: Path) -> list[Path]:
    """All files of a folder in a stable order, without Python's own caches."""
    found = (p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return sorted(found)


def _read(cache: Path) -> dict[str, _Entry]:
    return state.read(cache, dict[str, _Entry]) or {}


def _key(path: Path) -> str:
    """A path as text that JSON holds, whatever bytes its name has."""
    return os.fsencode(path.absolute()).decode(errors="backslashreplace")


def _entry(key: str, stat: os.stat_result, digest: str) -> _Entry:
    return _sealed(key, [stat.st_size, stat.st_mtime_ns, stat.st_ino, digest])


def _sealed(key: str, found: _Entry) -> _Entry:
    seal = hashlib.sha256(f"{key} {found}".encode()).hexdigest()[:16]
    return [*found, seal]
