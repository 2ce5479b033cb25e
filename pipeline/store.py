"""Where results live: `<root>/<stage>/<fingerprint>/`, there whole or not at all.

A stage writes into `<root>/.work/<stage>/<fingerprint>/output`; publishing adds the manifest,
flushes every file and folder to the disk, and renames. Nothing is used before its checksums were
compared with its manifest. `adopt` folders have the same layout and are only read: an artifact
found there is copied in and verified like any other.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifact import MANIFEST, Artifact
from pipeline.digests import Digests, files_under, sha256_of
from pipeline.errors import RecipeError, StageFailed
from pipeline.identity import digest_of
from pipeline.sources import Sources


class CorruptArtifact(RecipeError):
    """An artifact that does not match its own manifest."""


class Store:
    """The artifacts of one project."""

    def __init__(self, root: Path, adopt: Sequence[Path] = ()) -> None:
        self.root = root.absolute()
        self.adopt_from = [folder.absolute() for folder in adopt]
        self.digests = Digests(self.root / ".cache" / "digests.json")
        self.sources = Sources(self.digests, self.root / ".cache" / "imports.json")

    def save_caches(self) -> None:
        """Keep what was read of files, so that the next look is quick."""
        self.digests.save()
        self.sources.save()

    def path(self, stage: str, fingerprint: str) -> Path:
        """Where the artifact is, or will be."""
        return self.root / stage / fingerprint

    def work(self, stage: str, fingerprint: str) -> Path:
        """What a stage in progress keeps, across its attempts."""
        return self.root / ".work" / stage / fingerprint

    @property
    def shared(self) -> Path:
        """By fingerprint: what stages keep beside an artifact, for each other's use."""
        return self.root / ".shared"

    def lease(self, stage: str, fingerprint: str) -> Path:
        """The file that says who runs this stage now."""
        return self.root / ".leases" / f"{stage}-{fingerprint}.json"

    def find(self, stage: str, fingerprint: str) -> Artifact | None:
        """The artifact, verified; None when there is none. Raises CorruptArtifact."""
        path = self.path(stage, fingerprint)
        return self._verified(path, fingerprint) if path.exists() else None

    def ships(self, fingerprint: str) -> bool:
        """Whether a folder to adopt from has this result: it was made by the code of its day."""
        return any(any(folder.glob(f"*/{fingerprint}")) for folder in self.adopt_from)

    def adoptable(self, stage: str, fingerprint: str) -> Path | None:
        """A folder to adopt this result from; its checksums are compared on adoption.

        A stage's name is no part of its identity, so what another recipe calls otherwise will do:
        the teacher of one is the base of the other.
        """
        own = [folder / stage / fingerprint for folder in self.adopt_from]
        others = [
            other / fingerprint
            for folder in (*self.adopt_from, self.root)
            for other in _folders(folder)
            if not other.name.startswith(".") and other != self.root / stage
        ]
        return next((path for path in (*own, *others) if (path / MANIFEST).is_file()), None)

    def adopt(self, stage: str, fingerprint: str) -> Artifact | None:
        """Copy an artifact in from where it can be adopted, verified. Raises CorruptArtifact."""
        source = self.adoptable(stage, fingerprint)
        if source is None:
            return None
        self._verified(source, fingerprint)
        aside = self.root / ".work" / f"adopt-{stage}-{fingerprint}-{os.getpid()}"
        try:
            shutil.copytree(source, aside)
            _rename_stage(aside, stage)
            self._appear(aside, self.path(stage, fingerprint))
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return self.find(stage, fingerprint)

    def publish(self, output: Path, manifest: Mapping[str, Any]) -> Artifact:
        """Make a stage's output an artifact: checksums, manifest, flush, rename."""
        files = {
            file.relative_to(output).as_posix(): {
                "sha256": sha256_of(file),
                "bytes": file.stat().st_size,
            }
            for file in _plain_files(output)
        }
        whole = {**manifest, "files": files}
        whole = _write_manifest(output, whole)
        target = self.path(str(manifest["stage"]), str(manifest["fingerprint"]))
        self._appear(output, target)
        return Artifact(target, whole)

    def set_aside(self, stage: str, fingerprint: str) -> Path:
        """Move a corrupt artifact out of the way, where it can be looked at."""
        aside = self.root / ".corrupt" / f"{stage}-{fingerprint}-{time.time_ns()}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        self.path(stage, fingerprint).rename(aside)
        return aside

    def manifest(self, stage: str, fingerprint: str) -> dict[str, Any] | None:
        """The manifest as it stands, unverified: for `why`, which only compares."""
        for folder in (self.root, *self.adopt_from):
            with contextlib.suppress(OSError, ValueError):
                found: dict[str, Any] = json.loads(
                    (folder / stage / fingerprint / MANIFEST).read_text()
                )
                return found
        return None

    def other_manifests(self, stage: str, but: str) -> list[dict[str, Any]]:
        """The manifests of a stage under other fingerprints, latest first."""
        names = {p.name for root in (self.root, *self.adopt_from) for p in _folders(root / stage)}
        found = [self.manifest(stage, name) for name in names - {but}]
        return sorted((m for m in found if m), key=lambda m: str(m["created"]), reverse=True)

    def artifacts(self) -> Iterator[tuple[str, str, Path]]:
        """Every artifact of this store: stage, fingerprint, folder."""
        for stage in _folders(self.root):
            if not stage.name.startswith("."):
                for artifact in _folders(stage):
                    yield stage.name, artifact.name, artifact

    def _verified(self, path: Path, fingerprint: str) -> Artifact:
        manifest = _read_manifest(path)
        if manifest["fingerprint"] != fingerprint or digest_of(manifest["identity"]) != fingerprint:
            raise CorruptArtifact(f"{path}: its manifest belongs to another fingerprint")
        for name, expected in manifest["files"].items():
            file = path / name
            if not file.is_file():
                raise CorruptArtifact(f"{path}: {name} is gone")
            found = file.stat().st_size
            if found != expected["bytes"]:
                raise CorruptArtifact(
                    f"{path}: {name} has {found} bytes, its manifest says {expected['bytes']}"
                )
            if self.digests.of_file(file) != expected["sha256"]:
                raise CorruptArtifact(f"{path}: {name} does not match its checksum")
        return Artifact(path, manifest)

    def _appear(self, aside: Path, target: Path) -> None:
        """Flush everything, then rename: after a power cut the artifact is whole or absent."""
        for path in (*aside.rglob("*"), aside):
            _flush(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            shutil.rmtree(aside)  # another runner published the same result first
        _flush(target.parent)


def disk_full(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is a full disk; libraries wrap it in their own."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "No space left on device" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def disk_full_message(folder: Path) -> str:
    """What to tell the user when the disk is full."""
    there = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(there).free / 2**20
    return (
        f"the disk is full: {free:.0f} MiB left for {folder}.\n"
        "Every finished stage is kept. Make room (`r1 gc` lists what no recipe needs), "
        "then give the same command again."
    )


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((path / MANIFEST).read_text())
        intact = manifest["checksum"] == _checksum(manifest)
    except FileNotFoundError as error:
        raise CorruptArtifact(f"{path}: {MANIFEST} is gone") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptArtifact(f"{path}: {MANIFEST} cannot be read ({error})") from error
    if not intact:
        raise CorruptArtifact(f"{path}: {MANIFEST} was changed after it was published")
    return manifest


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    whole = {**manifest, "checksum": _checksum(manifest)}
    (folder / MANIFEST).write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    return whole


def _rename_stage(folder: Path, stage: str) -> None:
    """Give an adopted artifact the name that it has in this recipe."""
    manifest = _read_manifest(folder)
    if manifest["stage"] != stage:
        _write_manifest(folder, {**manifest, "stage": stage})


def _checksum(manifest: Mapping[str, Any]) -> str:
    """Of all that a manifest says, so that its facts are as safe as the files."""
    said = {key: value for key, value in manifest.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _plain_files(output: Path) -> list[Path]:
    for path in output.rglob("*"):
        if path.is_symlink():
            raise StageFailed(
                f"the stage wrote a symbolic link, {path.relative_to(output)}; an artifact holds "
                "its files itself. Copy the file instead."
            )
    return files_under(output)


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
