"""Which accelerators a machine has, and how stages that run side by side share them.

Stages get disjoint devices, through CUDA_VISIBLE_DEVICES. A kind says what a stage of it needs; a
stage that asks for a number waits until so many are free, one that asks for none in particular
takes its share of the machine. Nothing here starts CUDA: devices are counted by their files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.kinds import Needs

_DEVICE_FILES = "nvidia[0-9]*"


@dataclass(frozen=True)
class Place:
    """Where a stage runs.

    processes: of all nodes, each of `threads` CPU threads. devices: None where the machine has
    none, or where they are the scheduler's to give. engine_nodes: further ones (Needs).
    """

    processes: int = 1
    devices: tuple[str, ...] | None = None
    threads: int = 1
    nodes: int = 1
    engine_nodes: int = 0


def visible() -> tuple[str, ...]:
    """The devices that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return tuple(name.strip() for name in given.split(",") if name.strip())
    return tuple(str(index) for index in range(len(list(Path("/dev").glob(_DEVICE_FILES)))))


def place(needs: Needs, free: Sequence[str], machine: int, at_once: int) -> Place | None:
    """Where a stage can run now, when `at_once` stages share `machine` devices; None: it waits."""
    if machine == 0:
        return Place(needs.processes or 1)
    if needs.devices is not None:
        count = needs.devices
    else:
        share = min(len(free), max(needs.each, machine // at_once)) - needs.beside
        count = share // needs.each * needs.each
        if needs.processes is None and needs.divides:
            count = max((n for n in range(1, count + 1) if needs.divides % n == 0), default=0)
        if count <= 0:
            return None
        count += needs.beside
    if count > len(free):
        return None
    processes = count - needs.beside if needs.processes is None else needs.processes
    return Place(processes, tuple(free[:count]))


def too_many(needs: Needs, machine: int) -> int:
    """How many devices a stage wants beyond what the machine has, if it has any."""
    wanted = needs.each + needs.beside if needs.devices is None else needs.devices
    return max(0, wanted - machine) if machine else 0
