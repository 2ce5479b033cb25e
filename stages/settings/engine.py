"""Which program trains an RL stage, and what that program needs to be started."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.kinds import Problem
from stages.settings.stage import placement
from stages.settings.values import at_least, one_of

TRL, VERL, SLIME = ENGINES = ("trl", "verl", "slime")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass
class Engine:
    """What trains an RL stage: `trl` here, another in an environment of its own (docs/engines.md).

    As it stands it is TRL, whose results know no engine.

    overrides: words of the engine's own, after those that follow from the stage. python: the
    interpreter of its environment. program: what is started of slime. nodes, gpus_per_node: of the
    engine. address, port: where its reward client finds this stage. patience_minutes: how long the
    client asks again.
    """

    name: str = TRL
    overrides: list[str] = field(default_factory=list)
    python: str | None = placement(None)
    program: str | None = placement(None)
    nodes: int = placement(0)
    gpus_per_node: int = placement(0)
    address: str = placement("")
    port: int = placement(0)
    patience_minutes: float = placement(0.0)


def check(engine: Engine) -> Iterator[Problem]:
    """An engine that there is, that can be started here and can reach this stage."""
    yield from one_of("engine.name", engine.name, ENGINES)
    if engine.name not in (VERL, SLIME):
        return
    yield from at_least(engine, 1, "nodes", "gpus_per_node", below="engine")
    yield from at_least(engine, 0, "port", "patience_minutes", below="engine")
    yield from _file("python", engine.python, "/opt/verl/bin/python")
    if engine.name == SLIME:
        yield from _file("program", engine.program, "/opt/slime/train.py")
    if engine.nodes > 1 and engine.address in LOOPBACK:
        yield Problem(
            "engine.address",
            f"is {engine.address}, which no other machine reaches, and engine.nodes is "
            f"{engine.nodes}: set it to an address of this machine, or to 0.0.0.0 for all of them",
        )


def _file(key: str, path: str | None, example: str) -> Iterator[Problem]:
    """A program that is there when the stage runs; what is planned need not be here."""
    if path is None:
        yield Problem(f"engine.{key}", f"is not set: name the file, e.g. {example}", when_run=True)
    elif not Path(path).expanduser().is_file():
        yield Problem(f"engine.{key}", f"is {path}, and no such file is here", when_run=True)
