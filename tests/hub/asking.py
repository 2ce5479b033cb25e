"""What the tests have done where the hub on loopback is the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.settings.about import About
from stages.settings.hub import Hub

QUICK = Hub(
    retries=3, pause=0.01, longest_pause=0.05, timeout=5.0, told_below=0.98, refused_below=0.5
)


def take_model(folder: Path, name: str, **config: Any) -> dict[str, Any]:
    """Run a stage that takes a model of the hub; its facts."""
    from stages.kinds.pretrained.kind import PretrainedConfig
    from stages.kinds.pretrained.run import run

    made = PretrainedConfig("pretrained", path=name, hub=QUICK, **config)
    return dict(run(made, {}, _context(folder, "base")).facts)


def read(
    folder: Path, kind: str = "dataset", hub: Hub = QUICK, rows: int | None = None, **config: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run a stage that reads rows: its facts with its funnel, and the rows that it publishes."""
    from pipeline.project import load
    from stages.project import R1
    from stages.rows.schemas import read_rows
    from stages.settings.verifiers import Verifiers
    from tests.shipped import shipped

    found = R1.kinds()[kind]
    context = _context(folder, "set")
    more = {"verifiers": shipped(Verifiers)} if kind == "conversations" else {}
    made = found.config(kind, hub=hub, about=About(rows=rows), **config, **more)
    outputs = load(found.entry)(made, {}, context)
    return {**outputs.facts, "funnel": outputs.funnel}, read_rows(context.output / "rows.parquet")


def _context(folder: Path, stage: str) -> Any:
    from pipeline.context import Context

    work, output = folder / "work", folder / "output"
    for one in (work, output):
        one.mkdir(parents=True, exist_ok=True)
    return Context(stage, "f" * 16, work, output, seed=0, threads=1, shared=folder / "shared")


def read_with(changes: dict[str, Any], *arguments: Any, **named: Any) -> Any:
    """The same with constants of huggingface_hub that a user's environment would set."""
    from huggingface_hub import constants

    before = {name: getattr(constants, name) for name in changes}
    try:
        for name, value in changes.items():
            setattr(constants, name, value)
        return read(*arguments, **named)
    finally:
        for name, value in before.items():
            setattr(constants, name, value)
