"""An Estimate for each stage of a recipe on a machine.

found = estimates(graph.stages, hardware)
found["zero"].seconds, found["zero"].peak_bytes["optimiser"], found["zero"].problems
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.kinds import Problem, Stage
from stages.costs import elsewhere, fits, memory, speed
from stages.costs.hardware import Hardware
from stages.costs.schedule import Granted, Slot, critical_path, nothing, slots
from stages.costs.work import Draw, Handled, Known, Passes, Work, assumed
from stages.settings import carried

HOUR = 3600.0


@dataclass(frozen=True)
class Estimate:
    """What a stage costs on a machine.

    tokens_in, tokens_out: read (prompts, rows) and drawn. flops: of all its models. devices: GPUs,
    or CPU cores, that it has meanwhile. peak_bytes: of one device, by what holds them, at the
    moment when most is held; empty: nothing there. disk_bytes: of the result; scratch_bytes: of
    checkpoints until it is there. money: None: no price. phases: seconds by phase. unknown: models
    whose shape nobody knows, so that their part is missing. updates: steps of an optimiser.
    not_here: too large for the programs of this project.
    """

    stage: str
    kind: str
    tokens_in: float
    tokens_out: float
    flops: float
    seconds: float
    gpu_hours: float
    peak_bytes: Mapping[str, float]
    disk_bytes: float
    money: float | None
    phases: Mapping[str, float]
    problems: tuple[Problem, ...] = ()
    devices: int = 0
    scratch_bytes: float = 0.0
    unknown: tuple[str, ...] = ()
    rows: float = 0.0
    updates: float = 0.0
    not_here: bool = False


@dataclass(frozen=True)
class Forecast:
    """A whole recipe on a machine: each stage, when it runs, and what the end waits for."""

    hardware: Hardware
    stages: Mapping[str, Estimate]
    slots: Mapping[str, Slot]

    @property
    def seconds(self) -> float:
        """From the first start to the last end, as many at once as the launcher lets."""
        return max((slot.end for slot in self.slots.values()), default=0.0)

    @property
    def critical_path(self) -> list[str]:
        return critical_path(self.slots)

    @property
    def money(self) -> float | None:
        """None: there is no price."""
        hour = self.hardware.price.hour
        return None if hour is None else self.total("gpu_hours") * hour

    def total(self, name: str) -> float:
        """The sum of a number of the estimates over stages that are not done."""
        return float(sum(getattr(one, name) for one in self.stages.values()))


def forecast(
    stages: Mapping[str, Stage],
    hardware: Hardware,
    facts: Mapping[str, Mapping[str, Any]] | None = None,
    done: Collection[str] = (),
    granted: Granted = nothing,
) -> Forecast:
    """What it takes to run these stages. facts: what finished ones told, by stage (their `rows`).

    done: stages that are not run again; they are left out. granted: GPUs that a scheduler gives.
    """
    if not stages:
        return Forecast(hardware, {}, {})
    root = next(iter(stages.values())).root
    known = Known(root, assumed(root), work_of, facts or {})

    def seconds(name: str, devices: int) -> float:
        return sum(dict(_phases(stages[name], known, hardware, devices)).values())

    found = slots(stages, hardware, seconds, done, granted)
    return Forecast(
        hardware,
        {
            name: _estimate(stages[name], known, hardware, max(1, slot.devices))
            for name, slot in found.items()
            if name not in done
        },
        found,
    )


def estimates(
    stages: Mapping[str, Stage],
    hardware: Hardware,
    facts: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Estimate]:
    """An estimate of every stage."""
    return dict(forecast(stages, hardware, facts).stages)


def work_of(stage: Stage, known: Known) -> Work:
    """What a stage does, as its kind says."""
    if stage.kind.work is None:
        return Work(light=stage.kind.light)
    module, _, function = stage.kind.work.partition(":")
    found: Work = getattr(importlib.import_module(module), function)(stage, known)
    return found


def _phases(
    stage: Stage, known: Known, hardware: Hardware, devices: int
) -> Iterator[tuple[str, float]]:
    work = elsewhere.placed(stage, known.work(stage), hardware)
    return speed.phases(stage.kind.name, work, hardware, max(1, devices))


def _estimate(stage: Stage, known: Known, hardware: Hardware, devices: int) -> Estimate:
    work, not_here = elsewhere.placed(stage, known.work(stage), hardware), carried.too_large(stage)
    phases = dict(_phases(stage, known, hardware, devices))
    seconds = sum(phases.values())
    used = devices if _computes(work) else 0
    hours = used * seconds / HOUR
    price = hardware.price.hour
    return Estimate(
        stage=stage.name,
        kind=stage.kind.name,
        tokens_in=sum(_read(task) for task in work.tasks),
        tokens_out=sum(task.tokens for task in work.tasks if isinstance(task, Draw)),
        flops=sum(speed.flops(task) for task in work.tasks),
        seconds=seconds,
        gpu_hours=hours,
        peak_bytes={} if not_here else memory.peak(work, hardware, devices),
        disk_bytes=work.disk.published,
        money=None if price is None else hours * price,
        phases=phases,
        problems=tuple(fits.problems(stage, work, hardware, devices)),
        devices=used,
        scratch_bytes=work.disk.scratch,
        unknown=work.unknown,
        rows=known.rows(stage),
        updates=sum(task.updates for task in work.tasks if isinstance(task, Passes)),
        not_here=not_here,
    )


def _computes(work: Work) -> bool:
    return any(isinstance(task, Draw | Passes) for task in work.tasks)


def _read(task: Draw | Passes | Handled) -> float:
    match task:
        case Draw():
            return task.read
        case Passes():
            return task.tokens if task.updates else 0.0
        case _:
            return 0.0
