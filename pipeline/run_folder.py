"""The folder of one run, complete in itself: config.yaml, run.json, logs/, report/."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

RUN = "run.json"
LATEST = "latest"
REPORT_FACTS = "facts.json"


class RunFolder:
    """`<runs>/<time>-<recipe>-<profile>/`, with `<runs>/latest` pointing to the newest."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, runs: Path, name: str, config: Mapping[str, Any]) -> RunFolder:
        """Make a new folder named by time and purpose, with the resolved config in it."""
        path = _new_folder(runs.absolute(), f"{datetime.now():%Y%m%d-%H%M%S}-{name}")
        (path / "logs").mkdir()
        text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
        (path / "config.yaml").write_text(text)
        _point_latest(runs.absolute() / LATEST, path)
        return cls(path)

    @classmethod
    def latest(cls, runs: Path, name: str) -> RunFolder | None:
        """The newest folder of a run of that name."""
        found = [p for p in runs.absolute().glob(f"*-{name}*") if _is_run(p.name, name)]
        return cls(max(found)) if found else None

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def report(self) -> Path:
        return self.path / "report"

    def log(self, stage: str) -> Path:
        return self.path / "logs" / f"{stage}.log"

    def facts(self) -> dict[str, Any]:
        """What run.json says; only the name when the run never got so far."""
        try:
            facts: dict[str, Any] = json.loads((self.path / RUN).read_text())
        except (OSError, ValueError):
            return {"name": self.name}
        return facts

    def write(self, facts: Mapping[str, Any]) -> None:
        """Write what ran, how long and how it ended."""
        (self.path / RUN).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


def _is_run(folder: str, name: str) -> bool:
    """Whether a folder's name is a time, this name, and perhaps a count."""
    return re.fullmatch(rf"\d{{8}}-\d{{6}}-{re.escape(name)}(-\d+)?", folder) is not None


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
