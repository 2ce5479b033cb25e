"""The results behind a URL that can be adopted: `<url>/<stage>/<fingerprint>/<files>`.

They are listed once, when the first is looked for, and a result without a manifest is none: it is
still on its way, or was left so. A URL that cannot be reached is told once and offers nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import manifest as manifests
from pipeline import notices
from pipeline.artifact import MANIFEST
from pipeline.digests import sha256_of
from pipeline.manifest import CorruptArtifact, File
from pipeline.remote.pace import Pace, aloud
from pipeline.remote.place import Place, Told, Unreachable
from pipeline.verify import belongs

_DEPTH = 3  # stage, fingerprint, file


@dataclass(frozen=True)
class Result:
    """A result behind a URL. name: stage and fingerprint, as they are called there."""

    place: Place
    name: str

    def __str__(self) -> str:
        return f"{self.place}/{self.name}"

    @property
    def fingerprint(self) -> str:
        return self.name.rpartition("/")[2]

    def manifest(self) -> dict[str, Any]:
        """Its manifest, as it was published. Raises CorruptArtifact and Unreachable."""
        text = self.place.read(f"{self.name}/{MANIFEST}")
        if text is None:
            raise CorruptArtifact(f"{self}: {MANIFEST} is gone")
        return manifests.parsed(text, self)

    def fetch(self, aside: Path, fingerprint: str) -> dict[str, Any]:
        """Bring its files into a folder; what an earlier try has left there whole is kept.

        Returns its manifest. Raises CorruptArtifact, Unreachable, and OSError of the folder.
        """
        try:
            return self._fetch(aside, fingerprint)
        except CorruptArtifact as error:
            raise CorruptArtifact(
                f"{str(error).replace(str(aside), str(self))}. Whoever has it whole can send it "
                f"again, with `r1 push`, after {self} was deleted"
            ) from None

    def _fetch(self, aside: Path, fingerprint: str) -> dict[str, Any]:
        manifest = self.manifest()
        belongs(aside, manifest, fingerprint)
        files: dict[str, File] = manifest["files"]
        pace = Pace(f"{self.name}: fetched", sum(f["bytes"] for f in files.values()), aloud)
        for name, expected in files.items():
            self._fetch_file(aside, name, expected, pace.told)
        return manifest

    def _fetch_file(self, aside: Path, name: str, expected: File, told: Told) -> None:
        target = aside / name
        if target.is_file() and sha256_of(target) == expected["sha256"]:
            told(expected["bytes"])
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("wb") as file:
                self.place.fetch(f"{self.name}/{name}", file, told)
        except FileNotFoundError:
            raise CorruptArtifact(f"{aside}: {name} is gone") from None
        if sha256_of(target) != expected["sha256"]:
            found = f"{target.stat().st_size} bytes of {expected['bytes']}"
            raise CorruptArtifact(f"{aside}: {name} does not match its checksum ({found})")


class Shelf:
    """What one URL has to adopt."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def holds(self, source: object) -> bool:
        """Whether this is a result behind its URL."""
        return isinstance(source, Result) and source.place is self._place

    def find(self, stage: str, fingerprint: str) -> list[Result]:
        """The results of this fingerprint, first the one that is called like the stage."""
        stages = self._stages.get(fingerprint, [])
        names = sorted(stages, key=lambda name: (name != stage, name))
        return [Result(self._place, f"{name}/{fingerprint}") for name in names]

    def of_stage(self, stage: str) -> list[Result]:
        """Every result that is called like the stage."""
        called = (fingerprint for fingerprint, names in self._stages.items() if stage in names)
        return [Result(self._place, f"{stage}/{fingerprint}") for fingerprint in called]

    @cached_property
    def _stages(self) -> dict[str, list[str]]:
        """By fingerprint: the stages of which there is a whole result."""
        try:
            files = self._place.files()
        except Unreachable as error:
            notices.warn(f"{error}. Nothing is adopted from there")
            return {}
        stages: dict[str, list[str]] = {}
        for stage, fingerprint, name in (p for f in files if len(p := f.split("/", 2)) == _DEPTH):
            if name == MANIFEST:
                stages.setdefault(fingerprint, []).append(stage)
        return stages
