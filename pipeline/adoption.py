"""What can be adopted: results in folders, in this store under another name, and behind URLs.

What was refused once is not offered again in this command: the stage is made here.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline import lease
from pipeline.artifact import MANIFEST
from pipeline.digests import Digests
from pipeline.manifest import CorruptArtifact
from pipeline.remote.place import Place, Unreachable
from pipeline.remote.shelf import Result, Shelf
from pipeline.seeds import plain
from pipeline.verify import verified

_LOOK = 1.0  # seconds between looks at what another runner fetches

#: Why a result is not adopted: it is not what its manifest says, or was out of reach meanwhile.
REFUSALS = (CorruptArtifact, Unreachable)

Source = Path | Result


class Offers:
    """Where results can be adopted from, the nearest first: folders, this store, URLs."""

    def __init__(self, root: Path, folders: Sequence[Path], places: Sequence[Place]) -> None:
        self._root = root
        self._folders = folders
        self._shelves = [Shelf(place) for place in places]
        self._refused: set[str] = set()

    def find(self, stage: str, fingerprint: str) -> Source | None:
        """A source of this result.

        A stage's name is no part of its identity, so what another recipe calls otherwise will do:
        a model that one makes is where the other begins.
        """
        found = self._all(plain(stage), fingerprint)
        return next((source for source in found if str(source) not in self._refused), None)

    def bring(self, source: Source, fingerprint: str, aside: Path, digests: Digests) -> Any:
        """Its files into a folder; returns its manifest. Raises one of `REFUSALS`, or OSError.

        Where a URL cannot be reached any more, nothing else is offered from there.
        """
        try:
            if isinstance(source, Result):
                return source.fetch(aside, fingerprint)
            found = verified(source, fingerprint, digests)
        except CorruptArtifact:
            self._refused.add(str(source))
            raise
        except Unreachable:
            self._shelves = [s for s in self._shelves if not s.holds(source)]
            raise
        for name in found.manifest["files"]:
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, aside / name)
        return found.manifest

    def remote(self, stage: str) -> dict[str, Result]:
        """By fingerprint: what lies behind URLs and is called like the stage."""
        return {r.fingerprint: r for shelf in self._shelves for r in shelf.of_stage(stage)}

    def _all(self, stage: str, fingerprint: str) -> Iterator[Source]:
        own = [folder / stage / fingerprint for folder in self._folders]
        others = (
            other / fingerprint
            for folder in (*self._folders, self._root)
            for other in folders_of(folder)
            if not other.name.startswith(".") and other != self._root / stage
        )
        yield from (path for path in (*own, *others) if (path / MANIFEST).is_file())
        for shelf in self._shelves:
            yield from shelf.find(stage, fingerprint)


@contextlib.contextmanager
def place_for(source: Source, aside: Path, held: Path) -> Iterator[Path]:
    """A folder to bring a result into; waits while another runner, here or elsewhere, fills it.

    What comes from a URL keeps its folder when it is cut, and goes on from there. held: the lease.
    """
    with _alone(held):
        if not isinstance(source, Result):
            shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True, exist_ok=True)
        done = False
        try:
            yield aside
            done = True
        except CorruptArtifact:
            done = True
            raise
        finally:
            if done or not isinstance(source, Result):
                shutil.rmtree(aside, ignore_errors=True)


def folders_of(folder: Path) -> list[Path]:
    """The folders in a folder, in a stable order; none where there is no folder."""
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


@contextlib.contextmanager
def _alone(held: Path) -> Iterator[None]:
    while True:
        with lease.briefly(held) as other:
            if other is None:
                yield
                return
        time.sleep(_LOOK)
