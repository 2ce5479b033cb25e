"""A run as its folder tells it: what was asked, what was found, and the results if still there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import state
from pipeline.artifact import MANIFEST, Artifact
from pipeline.errors import UsageError
from pipeline.run_folder import REPORT_FACTS, RunFolder


@dataclass(frozen=True)
class Run:
    """`told` is its run.json, `facts` its facts.json; `artifacts` are those that can be read."""

    name: str
    config: Mapping[str, Any]
    told: Mapping[str, Any]
    facts: Mapping[str, Any]
    artifacts: Mapping[str, Artifact]


def read(folder: RunFolder) -> Run:
    """Raises UsageError where the run has no report to compare."""
    facts = state.read(folder.report / REPORT_FACTS, dict[str, Any])
    if facts is None:
        raise UsageError(
            f"{folder.path}: this run has no report/{REPORT_FACTS} to compare. `r1 report` with "
            "its overrides writes it, once a stage is done."
        )
    told = folder.facts()
    artifacts = dict(_artifacts(folder.path, told.get("stages") or {}))
    return Run(folder.name, folder.config(), told, facts, artifacts)


def _artifacts(folder: Path, stages: Mapping[str, Any]) -> Iterator[tuple[str, Artifact]]:
    """Where run.json says, or in the store beside the runs if all was moved together."""
    for name, stage in stages.items():
        beside = folder.parent.parent / "store" / name / str(stage.get("fingerprint"))
        for path in (Path(stage.get("artifact") or beside), beside):
            manifest = state.read(path / MANIFEST, dict[str, Any])
            if manifest and manifest.get("fingerprint") == stage.get("fingerprint"):
                yield name, Artifact(path, manifest)
                break
