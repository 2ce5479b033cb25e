"""Where results live: `<root>/<stage>/<fingerprint>/`, there whole or not at all.

A stage of another seed (`zero@1`) is that of `seed=1` here: `zero`.

A stage writes into `<root>/.work/<stage>/<fingerprint>/output`; publishing adds the manifest,
flushes every file and folder to the disk, and renames. Nothing is used before its checksums were
compared with its manifest. `adopt` folders and places have the same layout and are only read: an
artifact found there is copied in and verified like any other (pipeline/adoption.py).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import lease, notices, state
from pipeline import manifest as manifests
from pipeline.adoption import Offers, Source, folders_of, place_for
from pipeline.artifact import Artifact
from pipeline.digests import Digests
from pipeline.errors import RecipeError
from pipeline.manifest import CorruptArtifact
from pipeline.remote.place import Place
from pipeline.seeds import plain
from pipeline.sources import Sources
from pipeline.verify import names, plain_files, strays, verified


class Store:
    """The artifacts of one project."""

    def __init__(
        self, root: Path, adopt: Sequence[Path] = (), places: Sequence[Place] = ()
    ) -> None:
        """adopt, places: what is adopted from, folders and what lies behind URLs."""
        self.root = root.absolute()
        self.adopt_from = [folder.absolute() for folder in adopt]
        self._offers = Offers(self.root, self.adopt_from, places)
        self.digests = Digests(self.root / ".cache" / "digests.json")
        self.sources = Sources(self.digests, self.root / ".cache" / "imports.json")

    def save_caches(self) -> None:
        """Keep what was read of files, so that the next look is quick."""
        self.digests.save()
        self.sources.save()

    def path(self, stage: str, fingerprint: str) -> Path:
        """Where the artifact is, or will be."""
        return self.root / plain(stage) / fingerprint

    def work(self, stage: str, fingerprint: str) -> Path:
        """What a stage in progress keeps, across its attempts."""
        return self.root / ".work" / plain(stage) / fingerprint

    def begin(self, stage: str, fingerprint: str) -> Path:
        """The same, made if need be: what lies there and is no folder is moved aside."""
        work = self.work(stage, fingerprint)
        for folder in (work.parent, work):
            if os.path.lexists(folder) and not folder.is_dir():
                folder.rename(self._corrupt(stage, fingerprint))
        work.mkdir(parents=True, exist_ok=True)
        return work

    @property
    def shared(self) -> Path:
        """By fingerprint: what stages keep beside an artifact, for each other's use."""
        return self.root / ".shared"

    def lease(self, stage: str, fingerprint: str) -> Path:
        """The file that says who runs this stage now."""
        return self.root / ".leases" / f"{plain(stage)}-{fingerprint}.json"

    def adopting(self, place: Path) -> Path:
        """The file that says who brings a result into this folder now."""
        return self.root / ".leases" / f"{place.name}.json"

    def find(self, stage: str, fingerprint: str) -> Artifact | None:
        """The artifact, verified; None when there is none. Raises CorruptArtifact.

        Files that its manifest does not list are moved out of it: a library might obey them.
        """
        path = self.path(stage, fingerprint)
        if not os.path.lexists(path):
            return None
        artifact = verified(path, fingerprint, self.digests)
        if found := strays(artifact):
            self._move_out(artifact, found)
        return artifact

    def ships(self, fingerprint: str) -> bool:
        """Whether a folder to adopt from has this result: it was made by the code of its day."""
        return any(any(folder.glob(f"*/{fingerprint}")) for folder in self.adopt_from)

    def adoptable(self, stage: str, fingerprint: str) -> Source | None:
        """Where this result can be adopted from; its checksums are compared on adoption."""
        return self._offers.find(stage, fingerprint)

    def adopt(self, stage: str, fingerprint: str) -> Artifact | None:
        """Bring an artifact in from where it can be adopted, verified. Raises `REFUSALS`."""
        source = self.adoptable(stage, fingerprint)
        if source is None:
            return None
        place = self.root / ".work" / f"adopt-{plain(stage)}-{fingerprint}"
        with place_for(source, place, self.adopting(place)) as aside:
            if not self.path(stage, fingerprint).exists():  # nor has another runner adopted it
                manifest = self._offers.bring(source, fingerprint, aside, self.digests)
                manifests.write(aside, {**manifest, "stage": plain(stage)})
                self._appear(aside, self.path(stage, fingerprint))
        return self.find(stage, fingerprint)

    def publish(
        self, output: Path, manifest: Mapping[str, Any], fence: Callable[[], None] = lambda: None
    ) -> Artifact:
        """Make a stage's output an artifact: checksums, manifest, flush, rename.

        `fence` is called last and may refuse it, by raising.
        """
        files = {
            file.relative_to(output).as_posix(): {
                "sha256": self.digests.again(file),
                "bytes": file.stat().st_size,
            }
            for file in plain_files(output)
        }
        whole = manifests.write(output, {**manifest, "files": files})
        target = self.path(str(whole["stage"]), str(whole["fingerprint"]))
        if self._appear(output, target, fence):
            self.digests.moved(output, files, target)
        return Artifact(target, whole)

    def set_aside(self, stage: str, fingerprint: str) -> Path | None:
        """Move a corrupt artifact out of the way, where it can be looked at.

        Whoever calls holds its lease, so that nobody makes it anew in this moment. It is looked at
        again first: None, and nothing was moved, if it is whole or gone by now.
        """
        with contextlib.suppress(CorruptArtifact):
            self.find(stage, fingerprint)
            return None
        aside = self._corrupt(stage, fingerprint)
        self.path(stage, fingerprint).rename(aside)
        return aside

    def mend(self, stage: str, fingerprint: str) -> Path | None:
        """The same under a lease of its own; None, too, if another runner has the stage in hand."""
        with lease.briefly(self.lease(stage, fingerprint)) as holder:
            return None if holder else self.set_aside(stage, fingerprint)

    def tidy(self, stage: str, fingerprint: str) -> None:
        """Remove work and lease of a result that is there: a kill after publishing leaves them.

        Nothing happens while somebody holds the lease, or where the store may only be read.
        """
        work, held = self.work(stage, fingerprint), self.lease(stage, fingerprint)
        if not work.exists() and not held.exists():
            return
        with contextlib.suppress(OSError, RecipeError), lease.briefly(held) as holder:
            if holder is None:
                shutil.rmtree(work, ignore_errors=True)

    def manifest(self, stage: str, fingerprint: str) -> dict[str, Any] | None:
        """The manifest alone, no file looked at: for `why`, which only compares.

        None, too, for one that cannot be read.
        """
        for folder in (self.root, *self.adopt_from):
            with contextlib.suppress(RecipeError):
                return manifests.read(folder / plain(stage) / fingerprint)
        if there := self._offers.remote(plain(stage)).get(fingerprint):
            with contextlib.suppress(RecipeError):
                return there.manifest()
        return None

    def other_manifests(self, stage: str, but: str) -> list[dict[str, Any]]:
        """The manifests of a stage under other fingerprints, latest first."""
        folders = [root / plain(stage) for root in (self.root, *self.adopt_from)]
        names = {path.name for folder in folders for path in folders_of(folder)}
        names |= self._offers.remote(plain(stage)).keys()
        found = [self.manifest(stage, name) for name in names - {but}]
        return sorted((m for m in found if m), key=lambda m: str(m["created"]), reverse=True)

    def artifacts(self) -> Iterator[tuple[str, str, Path]]:
        """Every artifact of this store: stage, fingerprint, folder."""
        for stage in folders_of(self.root):
            if not stage.name.startswith("."):
                for artifact in folders_of(stage):
                    yield stage.name, artifact.name, artifact

    def _move_out(self, artifact: Artifact, found: Sequence[Path]) -> None:
        said = f"{artifact.path}: {names(found)}: not of its manifest"
        try:
            aside = self._corrupt(artifact.stage, artifact.fingerprint)
            for stray in found:
                place = aside / stray
                place.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(FileNotFoundError):  # another runner was quicker
                    (artifact.path / stray).rename(place)
        except OSError as error:
            notices.warn(f"{said}, and cannot be moved out of it ({error})")
        else:
            notices.warn(f"{said}, so moved to {aside}; the artifact itself is whole")

    def _corrupt(self, stage: str, fingerprint: str) -> Path:
        """A new place among what was moved out of the way."""
        aside = self.root / ".corrupt" / f"{stage}-{fingerprint}-{time.time_ns()}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        return aside

    def _appear(self, aside: Path, target: Path, fence: Callable[[], None] = lambda: None) -> bool:
        """Flush everything, then rename: after a power cut the artifact is whole or absent.

        False: another runner published the same result first, and this one's is gone.
        """
        for path in (*aside.rglob("*"), aside):
            state.flush(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        fence()
        first = True
        try:
            aside.rename(target)
        except OSError:  # which one it is, file systems do not agree on
            if not target.is_dir():
                raise
            shutil.rmtree(aside)
            first = False
        state.flush(target.parent)
        return first
