"""A trained stage as a gang of processes, and what cannot be set of it (docs/parallel.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from omegaconf import MISSING

from pipeline.kinds import Needs, Problem

STRATEGIES = ("ddp", "fsdp", "deepspeed")


@dataclass
class Parallel:
    """A trained stage as a gang of processes (conf/parallel; docs/parallel.md).

    processes: null is one for each GPU that the launcher gives the stage. strategy: `ddp` has a
    copy of everything in each process, `fsdp` and `deepspeed` share out weights, gradients or
    optimiser states. context: how many processes each sequence is cut over. fsdp, deepspeed: what
    accelerate reads, by its own names.
    """

    processes: int | None = MISSING
    strategy: str = MISSING
    context: int = MISSING
    fsdp: dict[str, Any] = field(default_factory=dict)
    deepspeed: dict[str, Any] = field(default_factory=dict)
    wait_minutes: float = MISSING  # for the slowest process, before the gang is given up


def gang(parallel: Parallel, uncut: str) -> Iterator[Problem]:
    """A strategy that there is, with its settings.

    uncut: why the sequences of this kind cannot be cut; empty where they can.
    """
    yield from _context(parallel, uncut)
    strategy = parallel.strategy
    if strategy not in STRATEGIES:
        yield Problem(
            "parallel.strategy", f"is {strategy}: set it to one of {', '.join(STRATEGIES)}"
        )
        return
    if parallel.processes is not None and parallel.processes < 1:
        yield Problem(
            "parallel.processes",
            f"is {parallel.processes}: set it to 1 or more, or null for one per GPU",
        )
    if strategy != "ddp" and not getattr(parallel, strategy):
        group = {"fsdp": "fsdp2", "deepspeed": "zero2"}[strategy]
        yield Problem(
            f"parallel.{strategy}",
            f"is empty, and parallel.strategy is {strategy}: choose a group that fills it, e.g. "
            f"parallel={group}",
        )
    if strategy == "deepspeed" and find_spec("deepspeed") is None:
        yield Problem(
            "parallel.strategy",
            "is deepspeed, which is not installed: pip install deepspeed, or parallel=fsdp2",
            when_run=True,
        )


def _context(parallel: Parallel, uncut: str) -> Iterator[Problem]:
    """Sequences that are cut over processes, which is what accelerate does under FSDP 2 alone."""
    size, processes = parallel.context, parallel.processes
    if size == 1:
        return
    if size < 1 or uncut:
        because = f", and {uncut}" if uncut else ""
        yield Problem("parallel.context", f"is {size}{because}: set it to 1")
    elif parallel.strategy != "fsdp":
        yield Problem(
            "parallel.context",
            f"is {size}, and parallel.strategy is {parallel.strategy}: accelerate cuts sequences "
            "under FSDP 2 alone. Use parallel=fsdp2, or set it to 1",
        )
    elif processes is None or processes % size:
        yield Problem(
            "parallel.processes",
            f"is {'null' if processes is None else processes}, and parallel.context is {size}: set "
            f"it to a multiple of that, e.g. {size}",
        )


def processes(parallel: Parallel, batch: int, beside: int = 0) -> Needs:
    """One device each. Processes that share a sequence share its place in a batch, too.

    beside: devices that none of them trains on.
    """
    count = parallel.processes
    devices = None if count is None else count + beside
    return Needs(count, devices, divides=batch * parallel.context, beside=beside)
