"""How a stage is spread over the nodes of a cluster: processes, and of each node GPUs and CPUs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pipeline.attempts import Attempts
from pipeline.devices import Place, place
from pipeline.errors import UsageError
from pipeline.kinds import Needs, Stage
from pipeline.launchers.requests import Blocks, ByStage, request_of
from pipeline.limits import Limits, needs_again, needs_of


class Asked(Protocol):
    """What of a request counts here: of each of `nodes`; None: what the stage asks for."""

    @property
    def nodes(self) -> int: ...

    @property
    def gpus(self) -> int | None: ...

    @property
    def cpus(self) -> int | None: ...


@dataclass(frozen=True)
class _Asked:
    nodes: int = 1
    gpus: int | None = None
    cpus: int | None = None


_MIB = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2}


@dataclass(frozen=True)
class Spread:
    """A stage's place, and what it has of each of its nodes."""

    place: Place
    gpus: int
    cpus: int


def check(stage: Stage, asked: Asked, most: int) -> None:
    """Raises UsageError for what does not divide. most: GPUs of the largest node."""
    needs, key = needs_of(stage), f"launcher.kinds.{stage.kind.name}"
    nodes, gpus = nodes_of(asked, needs), gpus_of(asked, needs, most)
    found = _found(asked, needs, most)
    if found is None:
        raise UsageError(
            f"{stage.name}: {nodes * gpus} GPUs are too few for it, or do not divide its work. "
            f"See {key}.gpus and .nodes."
        )
    if gpus and needs.engine_nodes and gpus < needs.engine_devices:
        raise UsageError(
            f"{stage.name}: an engine has {needs.engine_devices} GPUs, and a node that holds "
            f"engines for it {gpus}. Set {key}.gpus higher, or rollout.tensor_parallel_size lower."
        )
    if found.processes % nodes or (nodes > 1 and needs.beside):
        what = (
            "engines on GPUs of their own are for one node; rollout.engine_nodes has nodes for them"
            if needs.beside
            else f"its {found.processes} processes do not divide over {nodes} nodes"
        )
        raise UsageError(f"{stage.name}: {what}. See {key}.nodes.")


def spread(
    stage: Stage, before: Attempts, asked: Asked, most: int, limits: Limits
) -> Spread | None:
    """Of a stage that was checked; a resumed one has as many processes as before."""
    first = needs_of(stage)
    nodes, gpus = nodes_of(asked, first), gpus_of(asked, first, most)
    devices = tuple(str(number) for number in range(nodes * gpus))
    needs = needs_again(stage, before, replace(limits, devices=devices))
    found = _found(asked, needs, most) or _found(asked, first, most)
    if found is None:
        return None
    here = max(1, found.processes // nodes)
    cpus = asked.cpus or here * (limits.threads or 1)
    threads = limits.threads or max(1, cpus // here)
    return Spread(Place(found.processes, None, threads, nodes, first.engine_nodes), gpus, cpus)


def gpus_asked(launcher: Mapping[str, Any], stage: Stage, profile: str, most: int) -> int | None:
    """GPUs that a launcher's blocks ask for a stage on all its nodes; None: it has no blocks.

    most: GPUs of a node.
    """
    if "profiles" not in launcher:
        return None
    parts: dict[str, Any] = {key: launcher[key] for key in ("job", "kinds", "stages")}
    profiles = {name: ByStage(**said) for name, said in launcher["profiles"].items()}
    blocks = Blocks(**parts, profiles=profiles)
    said = request_of(blocks, lambda part, _: dict(part), stage.name, stage.kind.name, profile)
    asked = _Asked(**{key: said[key] for key in ("nodes", "gpus") if key in said})
    needs = needs_of(stage)
    return nodes_of(asked, needs) * gpus_of(asked, needs, most)


def nodes_of(asked: Asked, needs: Needs) -> int:
    """Only a gang has more than one."""
    return 1 if needs.processes == 1 else asked.nodes


def gpus_of(asked: Asked, needs: Needs, most: int) -> int:
    """Of each node."""
    if asked.gpus is not None:
        return asked.gpus
    if most == 0 or needs.devices is None:
        return most
    return math.ceil(needs.devices / nodes_of(asked, needs))


def mib_of(memory: str | None) -> int:
    """An amount such as 64G, in MiB; a number alone is of them."""
    if memory is None:
        return 0
    unit = memory[-1].upper()
    return int(float(memory[:-1]) * _MIB[unit]) if unit in _MIB else int(memory)


def _found(asked: Asked, needs: Needs, most: int) -> Place | None:
    total = nodes_of(asked, needs) * gpus_of(asked, needs, most)
    return place(needs, tuple(str(n) for n in range(total)), total, 1)
