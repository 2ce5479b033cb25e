"""Whether an artifact is what its manifest says: every file there, unchanged, and no other.

Before that, what may become one: plain files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import manifest as manifests
from pipeline.artifact import MANIFEST, Artifact
from pipeline.digests import Digests
from pipeline.errors import StageFailed
from pipeline.identity import digest_of
from pipeline.manifest import CorruptArtifact, File, unreadable


def verified(path: Path, fingerprint: str, digests: Digests) -> Artifact:
    """The artifact in a folder. Raises CorruptArtifact, or RecipeError if it cannot be looked at.

    The cache of digests saves time where it agrees; where it does not, the file itself is asked.
    """
    manifest = manifests.read(path)
    belongs(path, manifest, fingerprint)
    for name, expected in manifest["files"].items():
        try:
            wrong = _wrong(path / name, expected, digests)
        except OSError as error:
            raise unreadable(f"{path}: {name}", error) from error
        if wrong:
            raise CorruptArtifact(f"{path}: {name} {wrong}")
    return Artifact(path, manifest)


def belongs(path: Path, manifest: Mapping[str, Any], fingerprint: str) -> None:
    """Raises CorruptArtifact for another result's manifest, and for files outside its folder."""
    if manifest["fingerprint"] != fingerprint or digest_of(manifest["identity"]) != fingerprint:
        raise CorruptArtifact(f"{path}: its manifest belongs to another fingerprint")
    for name in manifest["files"]:
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise CorruptArtifact(f"{path}: {MANIFEST} lists {name}, which lies outside")


def strays(artifact: Artifact) -> list[Path]:
    """What lies in an artifact's folder and not in its manifest: files, and links of any kind."""
    listed = [Path(name) for name in artifact.manifest["files"]]
    known = {Path(MANIFEST), *listed, *(folder for path in listed for folder in path.parents)}
    found = (p for p in artifact.path.rglob("*") if p.is_symlink() or not p.is_dir())
    return sorted({path.relative_to(artifact.path) for path in found} - known)


def plain_files(output: Path) -> list[Path]:
    """All files that a stage wrote, in a stable order. Links are refused."""
    found = sorted(output.rglob("*"))
    for path in found:
        if path.is_symlink():
            raise StageFailed(
                f"the stage wrote a symbolic link, {path.relative_to(output)}; an artifact holds "
                "its files itself. Copy the file instead."
            )
    return [p for p in found if p.is_file() and p != output / MANIFEST]


def names(paths: Sequence[Path]) -> str:
    """The first few of many, as words."""
    shown = ", ".join(map(str, paths[:3]))
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown


def _wrong(file: Path, expected: File, digests: Digests) -> str | None:
    if not file.is_file():
        return "is gone"
    found = file.stat().st_size
    if found != expected["bytes"]:
        return f"has {found} bytes, its manifest says {expected['bytes']}"
    if digests.of_file(file) == expected["sha256"] or digests.again(file) == expected["sha256"]:
        return None
    return "does not match its checksum"
