"""An artifact: a directory with `manifest.json` that never changes once it is published.

Files by artifact type (see docs/architecture.md, "Artifacts"):

    models        model/ (Hugging Face format: safetensors, tokenizer, chat template)
    rows          rows.parquet
    every type    manifest.json; metrics.jsonl where the stage logged a curve
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
METRICS = "metrics.jsonl"


@dataclass(frozen=True)
class Artifact:
    """A published result of a stage; `manifest` is the parsed manifest.json."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def stage(self) -> str:
        return str(self.manifest["stage"])

    @property
    def type(self) -> str:
        return str(self.manifest["type"])

    @property
    def fingerprint(self) -> str:
        return str(self.manifest["fingerprint"])

    @property
    def facts(self) -> Mapping[str, Any]:
        facts: Mapping[str, Any] = self.manifest["facts"]
        return facts

    @property
    def model_path(self) -> Path:
        """The Hugging Face directory of a model."""
        return self.path / "model"

    @property
    def rows_path(self) -> Path:
        """The Parquet file of an artifact of rows."""
        return self.path / "rows.parquet"


#: The artifacts on each edge, in config order.
Inputs = Mapping[str, tuple[Artifact, ...]]


def of_type(inputs: Inputs, edge: str, type_: str) -> list[Artifact]:
    """The artifacts of one type on one edge, in config order."""
    return [artifact for artifact in inputs.get(edge, ()) if artifact.type == type_]
