"""Published artifacts as the stages write them, made of numbers that a test chooses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pipeline.artifact import MANIFEST, METRICS, Artifact

ROOT = Path(__file__).resolve().parents[2]
Columns = Mapping[str, Sequence[Any]]


class World:
    """Artifacts of a run; `add_*` publish one and keep it under its stage's name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.artifacts: dict[str, Artifact] = {}

    def add(self, stage: str, kind: str, type_: str, **more: Any) -> Path:
        """An artifact of any kind; `more` goes into its manifest."""
        path = self.folder / stage / f"{stage:0<16}"
        path.mkdir(parents=True)
        manifest = {
            "stage": stage,
            "kind": kind,
            "type": type_,
            "fingerprint": path.name,
            "seconds": 1.0,
            "attempts": 1,
            "config": {"kind": kind},
            "inputs": [],
            "facts": {},
            "funnel": {},
            "host": {"cpu": "abacus", "cores": 2, "device": "cpu", "peak_memory_mib": 512},
            "code": {"commit": "c0ffee"},
        } | more
        (path / MANIFEST).write_text(json.dumps(manifest))
        self.artifacts[stage] = Artifact(path, manifest)
        return path

    def add_model(self, stage: str, curve: Sequence[Mapping[str, float]] = (), **more: Any) -> Path:
        """A model, with the points of its training curve from step 1 on."""
        path = self.add(stage, "rl" if curve else "sft", "model", **more)
        (path / "model").mkdir()
        lines = [json.dumps({"step": i, "time": 1e9 + i, **p}) for i, p in enumerate(curve, 1)]
        if lines:
            (path / METRICS).write_text("\n".join(lines) + "\n")
        return path

    def add_evaluation(self, model: str, columns: Columns, **facts: Any) -> Path:
        """An evaluation of `model` with these columns of problems.parquet; 16 samples a problem."""
        size = len(next(iter(columns.values())))
        rows = {
            "id": [f"p{i}" for i in range(size)],
            "domain": ["math"] * size,
            "language": ["en"] * size,
            "group": ["reasoning"] * size,
            "n": [16] * size,
        } | {name: list(values) for name, values in columns.items()}
        all_facts = {"model": model, **_tables(rows), "budgets": []} | facts
        path = self.add(f"eval_{model}", "evaluate", "evaluation", facts=all_facts)
        pq.write_table(pa.table(rows), path / "problems.parquet")
        return path


def _tables(rows: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Means with a made-up interval of ± 0.05; the stage that evaluates has tests of its own."""
    metrics = [name for name in rows if name not in ("id", "domain", "language", "group", "n")]

    def estimates(keep: Callable[[int], bool]) -> dict[str, Any]:
        found = {}
        for metric in metrics:
            cells = [v for i, v in enumerate(rows[metric]) if keep(i) and v is not None]
            if cells:
                mean = sum(cells) / len(cells)
                name = "cons_at_k" if metric == "cons" else metric
                found[name] = {"value": mean, "low": mean - 0.05, "high": mean + 0.05}
                found[name]["n"] = len(cells)
        return found

    def cut(column: str) -> dict[str, Any]:
        return {
            value: estimates(lambda i, value=value: rows[column][i] == value)
            for value in dict.fromkeys(rows[column])
        }

    return {
        "overall": estimates(lambda i: True),
        "by_domain": cut("domain"),
        "by_language": cut("language"),
        "by_group": cut("group"),
    }


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty run."""
    return World(tmp_path / "store")


@pytest.fixture(scope="session")
def shipped() -> dict[str, Any]:
    """The claims config that ships with the project."""
    claims: dict[str, Any] = yaml.safe_load((ROOT / "conf" / "claims" / "r1.yaml").read_text())
    return claims
