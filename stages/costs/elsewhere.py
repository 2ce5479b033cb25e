"""Stages that another program runs: on how many devices, and how weights lie there.

RL by an engine of another environment has the engine's own GPUs. What is too large for the programs
of this one (stages/settings/carried.py) is reckoned as if one like it had all GPUs of the machines.
Either shares all out: bf16 weights and reference, fp32 gradients, and fp32 weights with AdamW's two
averages. A row is cut over as many GPUs as the engine's own words say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, log2, prod
from typing import Any

from pipeline.kinds import Problem, Stage
from stages.costs.hardware import GB, Hardware
from stages.costs.work import SHARED_OUT, Draw, Task, Work
from stages.engines.segments import segments_of
from stages.settings import carried
from stages.settings.engine import TRL

ROOM = 1.5  # times the weights, for an engine that nobody has set up
#: Words of an engine that cut a sequence, of verl's actor and of slime: `…parallel_size=8`,
#: `--…-parallel-size 8`.
CUT = re.compile(
    r"(?:\.actor\.\S*|^--)(?:tensor.model|context|ulysses.sequence).parallel.size[= ](\d+)", re.M
)


def devices(stage: Stage, hardware: Hardware) -> int | None:
    """Those of a stage that another program runs; None: it runs here."""
    if engine := _engine(stage):
        return int(engine.nodes * engine.gpus_per_node)
    return hardware.total if carried.too_large(stage) else None


def placed(stage: Stage, work: Work, hardware: Hardware) -> Work:
    """What a stage does, as that program lays it out; a stage that runs here as it is."""
    engine, too_large = _engine(stage), carried.too_large(stage)
    if too_large:
        tasks = tuple(_over_enough(task, hardware) for task in work.tasks)
        work = replace(work, tasks=tasks)
    if work.trained is None or not (engine or too_large):
        return work
    held = replace(
        work.trained, strategy=SHARED_OUT, gathers=False, others=(), bf16=True, context=1
    )
    if engine is None:
        return replace(work, trained=held)
    held = replace(held, context=cut_over(engine.overrides))
    return replace(work, trained=held, starts=len(segments_of(stage.config)))


def _over_enough(task: Task, hardware: Hardware) -> Task:
    """Drawn by engines over as many devices as hold the weights and half as much again."""
    if not isinstance(task, Draw):
        return task
    needed = ROOM * task.engine.weights * task.model.parameters
    each = hardware.device.memory_gb * GB
    over = min(hardware.total, 2 ** max(0, ceil(log2(needed / each))))
    return replace(task, engine=replace(task.engine, tensor_parallel=over))


def cut_over(words: Sequence[str]) -> int:
    """How many GPUs an engine's words cut a row over."""
    joined = re.sub(r"^(--\S+)\n(?!--)", r"\1 ", "\n".join(words), flags=re.M)
    return prod(map(int, CUT.findall(joined)))


def problem(stage: Stage, hardware: Hardware, needed: float, room: float) -> Problem | None:
    """More GPUs than there are, or too few for what an engine holds."""
    engine = _engine(stage)
    if engine is None:
        return None
    asked = engine.nodes * engine.gpus_per_node
    if asked > hardware.total:
        return Problem(
            "engine.nodes",
            f"is {engine.nodes}, with engine.gpus_per_node={engine.gpus_per_node}: {asked} GPUs, "
            f"and the hardware has {hardware.total}: set hardware.nodes to "
            f"{-(-asked // hardware.devices)}, or fewer nodes of the engine",
            when_run=True,
        )
    if needed > room:
        return Problem(
            "engine.nodes",
            f"is {engine.nodes}: it needs {needed / GB:.0f} GB on a {hardware.device.name} of "
            f"{room / GB:.0f}: set more, so that a GPU has less of the weights, or lower "
            "rollout.gpu_memory_utilization, or let the engine cut rows or offload "
            "(engine.overrides)",
            when_run=True,
        )
    return None


def _engine(stage: Stage) -> Any:
    """The engine of a stage of RL that trains elsewhere."""
    engine = getattr(stage.config, "engine", None)
    return engine if engine is not None and engine.name != TRL else None
