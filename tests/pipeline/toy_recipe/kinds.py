"""The toy's kinds: `source` makes numbers, `work` adds to them step by step, `total` sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from pipeline.artifact import Artifact
from pipeline.kinds import EdgeRule, Kind, Needs, Problem, Registry, Stage, Takes

NUMBERS = frozenset({"numbers"})


@dataclass
class ToyConfig:
    kind: str = MISSING
    init_from: str | None = None
    data_from: list[str] = field(default_factory=list)
    seed: int = field(default=MISSING, metadata={"root": "seed"})


@dataclass
class SourceConfig(ToyConfig):
    count: int = MISSING
    path: str | None = field(default=None, metadata={"file": True})


@dataclass
class Trouble:
    """What goes wrong, for the tests; outside identity, so that a retry is the same stage."""

    fail: bool = field(default=False, metadata={"identity": False})
    kill_at: int | None = field(default=None, metadata={"identity": False})
    eat_mib: int = field(default=0, metadata={"identity": False})
    full_disk: bool = field(default=False, metadata={"identity": False})
    rank: int = field(default=0, metadata={"identity": False})  # which of a gang has it


@dataclass
class WorkConfig(ToyConfig):
    add: int = MISSING
    steps: int = 3
    delay: float = field(default=0.0, metadata={"identity": False})
    processes: int = field(default=1, metadata={"identity": False})
    engine_nodes: int = field(default=0, metadata={"identity": False})
    min_rows: int = field(default=0, metadata={"identity": False})  # its gate
    trouble: Trouble = field(default_factory=Trouble)


@dataclass
class TotalConfig(ToyConfig):
    scale: float = 1.0


def work_needs(stage: Stage) -> Needs:
    """A gang of as many processes as the config says, each on a device of its own."""
    count, engines = stage.config.processes, stage.config.engine_nodes
    return Needs(count, devices=count, engine_nodes=engines)


def source_origin(stage: Stage) -> str:
    """Where numbers come from, as a real kind says it."""
    return f"file {stage.config.path}" if stage.config.path else "counted here"


def work_numbers(stage: Stage, inputs: Mapping[str, Artifact]) -> dict[str, Any]:
    """Derived numbers, as a real kind has them."""
    return {"additions": stage.config.steps * sum(a.facts["rows"] for a in inputs.values())}


def enough_rows(stage: Stage, facts: Mapping[str, Any]) -> Iterator[Problem]:
    """A gate, as a real kind has one."""
    if facts["rows"] < stage.config.min_rows:
        yield Problem("min_rows", f"is {stage.config.min_rows}, and it has {facts['rows']}")


_KINDS = (
    Kind(
        "source",
        1,
        SourceConfig,
        "numbers",
        "toy_recipe.stages:source",
        origin=source_origin,
    ),
    Kind(
        "work",
        1,
        WorkConfig,
        "numbers",
        "toy_recipe.stages:work",
        edges={"data_from": EdgeRule((Takes(NUMBERS, 1, 2),))},
        numbers=work_numbers,
        needs=work_needs,
        engines="toy_recipe.stages:hold",
        gate=enough_rows,
    ),
    Kind(
        "total",
        1,
        TotalConfig,
        "sum",
        "toy_recipe.stages:total",
        light=True,
        edges={"data_from": EdgeRule((Takes(NUMBERS, 1),))},
    ),
)

PRELOAD = ("decimal", "toy_recipe.slow")

REGISTRY = Registry(_KINDS, edges=("init_from", "data_from"))
