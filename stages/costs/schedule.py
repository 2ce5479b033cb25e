"""When each stage can run: the launcher's rules on a clock, and the critical path."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.devices import place
from pipeline.kinds import Needs, Stage
from stages.costs import elsewhere
from stages.costs.hardware import Hardware

#: The devices that a scheduler gives a stage; None: a share of the machines.
Granted = Callable[[Stage], int | None]


def nothing(stage: Stage) -> int | None:
    """No scheduler says anything of a stage."""
    return None


@dataclass(frozen=True)
class Slot:
    """When a stage runs, in seconds, and on how many devices. after: what it waited for."""

    start: float
    end: float
    devices: int
    after: str | None


def slots(
    stages: Mapping[str, Stage],
    hardware: Hardware,
    seconds: Callable[[str, int], float],
    done: Collection[str] = (),
    granted: Granted = nothing,
) -> dict[str, Slot]:
    """Every stage as soon as its inputs are there and the launcher has room. done: take no time."""
    launcher = _launcher(stages)
    most = int(launcher.get("max_parallel") or 1)
    found = {name: Slot(0.0, 0.0, 0, None) for name in done if name in stages}
    waiting = [name for name in stages if name not in found]
    running: list[tuple[float, str, tuple[str, ...]]] = []
    free, now, last = [*map(str, range(hardware.total))], 0.0, None
    while waiting or running:
        ready = [name for name in waiting if _inputs(stages[name], stages) <= _ended(found, now)]
        at_once = min(most, max(1, len(running) + len(ready)))
        for name in ready:
            if len(running) >= most:
                break
            taken = devices_of(stages[name], hardware, tuple(free), at_once, granted)
            if taken is None and running:
                continue
            own = taken if taken is not None else tuple(free)
            end = now + seconds(name, _count(own, stages[name], hardware, at_once))
            found[name] = Slot(now, end, _count(own, stages[name], hardware, at_once), last)
            heapq.heappush(running, (end, name, own))
            free = [each for each in free if each not in own]
            waiting.remove(name)
        if not running:
            break
        now, last, back = heapq.heappop(running)
        free += back
    return {name: found[name] for name in stages if name in found}


def devices_of(
    stage: Stage,
    hardware: Hardware,
    free: tuple[str, ...],
    at_once: int,
    granted: Granted = nothing,
) -> tuple[str, ...] | None:
    """The devices that the launcher would give a stage now; None: it waits."""
    if not hardware.device.accelerator:
        return ()
    machine, asked = hardware.total, elsewhere.devices(stage, hardware)
    given = granted(stage) if asked is None else asked
    if given is not None:
        machine, at_once = min(given, machine), 1
        if len(free) < machine:
            return None
        free = free[:machine]
    if asked is not None or machine == 0:
        return free
    needs = stage.kind.needs(stage) if stage.kind.needs else Needs()
    found = place(needs, free, machine, at_once)
    return None if found is None else found.devices or ()


def _count(own: tuple[str, ...], stage: Stage, hardware: Hardware, at_once: int) -> int:
    """Devices; of a CPU the cores of its threads. An engine has its own, be they there or not."""
    if hardware.device.accelerator:
        asked = elsewhere.devices(stage, hardware)
        return len(own) if asked is None else asked
    needs = stage.kind.needs(stage) if stage.kind.needs else Needs()
    launcher = stage.root.get("launcher") or {}
    threads = launcher.get("threads") or max(1, hardware.total // at_once)
    return min(hardware.total, int(threads) * (needs.processes or 1))


def critical_path(found: Mapping[str, Slot]) -> list[str]:
    """The stages that the end waits for, each beginning when the one before it ends."""
    if not found:
        return []
    name: str | None = max(found, key=lambda each: found[each].end)
    path: list[str] = []
    while name is not None and found[name].end > 0:
        path.append(name)
        name = found[name].after
    return path[::-1]


def _launcher(stages: Mapping[str, Stage]) -> Mapping[str, Any]:
    root = next(iter(stages.values())).root if stages else {}
    launcher: Mapping[str, Any] = root.get("launcher") or {}
    return launcher


def _inputs(stage: Stage, stages: Mapping[str, Stage]) -> set[str]:
    return {edge.stage for edge in stage.edges if edge.stage in stages}


def _ended(found: Mapping[str, Slot], now: float) -> set[str]:
    return {name for name, slot in found.items() if slot.end <= now}
