"""The folder of one run, complete in itself: config.yaml, run.json, logs/, jobs/, report/."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from pipeline import state
from pipeline.errors import UsageError

RUN = "run.json"
LATEST = "latest"
REPORT_FACTS = "facts.json"

_CONFIG = "config.yaml"
_SHOWN = 5  # runs that a message names
_LONGEST_NAME = 120  # bytes of what a run is called; file systems take 255 for the whole


class RunFolder:
    """`<runs>/<time>-<recipe>-<profile>/`, with `<runs>/latest` pointing to the newest.

    `number` in run.json counts the runs: the clock that names a folder may be set back.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        number = self.facts().get("number")
        self.number = number if isinstance(number, int) else 0

    @classmethod
    def create(cls, runs: Path, name: str, config: Mapping[str, Any]) -> RunFolder:
        """Make a new folder named by time and purpose, with the resolved config in it."""
        runs = runs.absolute()
        number = 1 + max((folder.number for folder in all_runs(runs)), default=0)
        path = _new_folder(runs, f"{datetime.now():%Y%m%d-%H%M%S}-{_short(name)}")
        (path / "logs").mkdir()
        (path / _CONFIG).write_text(_text(config))
        state.write(path / RUN, {"name": path.name, "number": number})
        _point_latest(runs / LATEST, path)
        return cls(path)

    @classmethod
    def latest(cls, runs: Path, config: Mapping[str, Any]) -> RunFolder | None:
        """The newest folder of a run of this very configuration."""
        text = _text(config)
        found = [folder for folder in all_runs(runs.absolute()) if folder._config() == text]
        return max(found, key=lambda folder: (folder.number, folder.name), default=None)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def report(self) -> Path:
        return self.path / "report"

    def log(self, stage: str) -> Path:
        return self.path / "logs" / f"{stage}.log"

    def job(self, stage: str) -> Path:
        """The folder of a stage's job (pipeline/launchers/files.py)."""
        return self.path / "jobs" / stage

    def facts(self) -> dict[str, Any]:
        """What run.json says; only the name when there is none."""
        return state.read(self.path / RUN, dict[str, Any]) or {"name": self.name}

    def write(self, facts: Mapping[str, Any]) -> None:
        """Write what ran, how long and how it ended, also if the folder was deleted meanwhile."""
        state.write(self.path / RUN, {**facts, "number": self.number})

    def config(self) -> dict[str, Any]:
        """The resolved config of the run; empty where it cannot be read."""
        try:
            found = yaml.safe_load(self._config() or "")
        except yaml.YAMLError:
            return {}
        return found if isinstance(found, dict) else {}

    def _config(self) -> str | None:
        try:
            return (self.path / _CONFIG).read_text()
        except (OSError, ValueError):
            return None


def named(runs: Path, name: str) -> RunFolder:
    """The run of this name, or in this folder. Raises UsageError with the names that there are."""
    for path in (runs.absolute() / name, Path(name).absolute()):
        if (path / RUN).is_file():
            return RunFolder(path.resolve())
    known = [folder.name for folder in all_runs(runs)]
    newest = ", ".join(known[-_SHOWN:]) or "none"
    raise UsageError(
        f"{name}: no run of this name, and no folder with a {RUN}. In {runs}: {newest}"
    )


def all_runs(runs: Path) -> Iterator[RunFolder]:
    """Every folder of a run; what else lies there is passed over."""
    for path in sorted(runs.glob("*")):
        if re.match(r"\d{8}-\d{6}-", path.name) and path.is_dir():
            yield RunFolder(path)


def _text(config: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)


def _short(name: str) -> str:
    """A name that a folder can have: what is too long ends in `…`."""
    plain = name.replace("/", "_")
    whole = plain.encode()
    if len(whole) <= _LONGEST_NAME:
        return plain
    return whole[:_LONGEST_NAME].decode(errors="ignore") + "…"


def _new_folder(runs: Path, name: str) -> Path:
    """A folder that no other run has, also when two start within the same second."""
    runs.mkdir(parents=True, exist_ok=True)
    for count in itertools.count(1):
        path = runs / (name if count == 1 else f"{name}-{count}")
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            return path
    raise AssertionError("unreachable")


def _point_latest(link: Path, target: Path) -> None:
    aside = link.with_name(f".latest-{os.getpid()}")
    with contextlib.suppress(OSError):  # a file system without links loses only a convenience
        aside.unlink(missing_ok=True)
        aside.symlink_to(target.name)
        aside.replace(link)
