"""An observer and a report that write down what they were told, for the tests to read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from pipeline.hooks import Run


class Diary:
    def __init__(self, breaks_at: str | None) -> None:
        self._breaks_at = breaks_at
        self._path = Path()

    def _write(self, event: str, *words: str) -> None:
        if event == self._breaks_at:
            raise ConnectionError("the server is down")
        with self._path.open("a") as file:
            file.write(" ".join((event, *words)) + "\n")

    def run_started(self, run: Run) -> None:
        self._path = run.folder / "diary.txt"
        self._write("run_started", *run.stages)

    def stage_started(
        self, stage: str, fingerprint: str, work: Path, config: Mapping[str, Any]
    ) -> None:
        self._write("stage_started", stage, str(config["kind"]))

    def stage_finished(self, stage: str, artifact: Artifact) -> None:
        self._write("stage_finished", stage)

    def stage_failed(self, stage: str, message: str) -> None:
        self._write("stage_failed", stage, message)

    def run_finished(self, report_dir: Path | None) -> None:
        self._write("run_finished", str(report_dir))


def build_observer(config: Mapping[str, Any]) -> Diary:
    return Diary((config.get("tracking") or {}).get("breaks_at"))


def build_report(
    artifacts: Mapping[str, Artifact], config: Mapping[str, Any], out: Path, runs: Mapping[str, Any]
) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    facts = {"stages": {name: dict(a.facts) for name, a in artifacts.items()}}
    (out / "facts.json").write_text(json.dumps(facts))
    (out / "report.md").write_text(f"{len(artifacts)} artifacts\n")
    return out / "report.md"


def last_words(artifacts: Mapping[str, Artifact], config: Mapping[str, Any]) -> str:
    return f"made {', '.join(artifacts)} with seed {config['seed']}"
