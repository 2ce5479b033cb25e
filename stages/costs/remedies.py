"""Which values of which keys make a stage that trains fit: alone, or the fewest together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from pipeline.kinds import Stage
from stages.costs import memory
from stages.costs.hardware import GB, Hardware
from stages.costs.work import Draw, Task, Work

NAMED = 3  # remedies that are told
STEP = 256  # tokens, by which lengths are tried
RANK = 16  # of the adapters that `lora=default` has
SHARES = (0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1)  # of a device's memory, for an engine beside training


@dataclass(frozen=True)
class Remedy:
    """A key, what is written, what it makes of the stage's work, and on how many devices."""

    key: str
    words: str
    change: Callable[[Work], Work]
    devices: int


def limit(hardware: Hardware) -> float:
    """Bytes of a device."""
    return hardware.device.memory_gb * GB


def needed(work: Work, hardware: Hardware, devices: int) -> float:
    """Bytes that a stage takes of it."""
    return sum(memory.peak(work, hardware, devices).values())


def engines(work: Work) -> Iterator[Draw]:
    """One draw of each model that vLLM serves."""
    seen = set()
    for task in work.tasks:
        if isinstance(task, Draw) and task.engine.name == memory.VLLM and task.model not in seen:
            seen.add(task.model)
            yield task


def helping(remedies: Sequence[Remedy], work: Work, hardware: Hardware) -> list[tuple[Remedy, ...]]:
    """The groups of remedies that fit, of as few as can be."""
    for size in range(1, len(remedies) + 1):
        found = []
        for group in combinations(remedies, size):
            changed, devices = _together(group, work)
            if needed(changed, hardware, devices) <= limit(hardware):
                found.append(group)
        if found:
            return found[:NAMED]
    return []


def _together(group: Sequence[Remedy], work: Work) -> tuple[Work, int]:
    for one in group:
        work = one.change(work)
    return work, max(one.devices for one in group)


def remedies(stage: Stage, work: Work, hardware: Hardware, devices: int) -> list[Remedy]:
    """What can be set of a stage, what changes its result least first."""
    return [
        *_of_passes(stage, work, devices),
        *of_engine(stage, work, hardware, devices),
        *_of_shares(stage, work, hardware, devices),
        *of_adapters(stage, work, devices),
    ]


def holding(**changed: Any) -> Callable[[Work], Work]:
    """A change of what is held while it trains."""

    def change(work: Work) -> Work:
        assert work.trained
        return replace(work, trained=replace(work.trained, **changed))

    return change


def _of_passes(stage: Stage, work: Work, devices: int) -> Iterator[Remedy]:
    held = work.trained
    assert held
    if held.micro_batch > 1 and memory.pass_rows(held) > 1:
        key = "micro_batch"
        yield Remedy(key, f"stages.{stage.name}.{key}=1", holding(micro_batch=1), devices)
    if not held.checkpointing:
        key = "precision.gradient_checkpointing"
        change = holding(checkpointing=True, logits_with_gradient=False)
        yield Remedy(key, f"stages.{stage.name}.{key}=true", change, devices)


def of_engine(stage: Stage, work: Work, hardware: Hardware, devices: int) -> Iterator[Remedy]:
    """The largest share below the present one at which training fits; else the least that leaves
    the engine room for a sequence."""
    own = [*engines(work)]
    least = None
    shares = [each for each in SHARES if own and each < own[0].engine.utilization]
    for share in shares if own and own[0].engine.beside else ():
        changed = _at_share(share)(work)
        if not all(
            has_room(task, hardware, task.engine.tensor_parallel) for task in engines(changed)
        ):
            break
        least = share
        if needed(changed, hardware, devices) <= limit(hardware):
            break
    if least:
        key = "rollout.gpu_memory_utilization"
        yield Remedy(key, f"stages.{stage.name}.{key}={least:g}", _at_share(least), devices)


def _at_share(share: float) -> Callable[[Work], Work]:
    def of(task: Task) -> Task:
        if not isinstance(task, Draw):
            return task
        return replace(task, engine=replace(task.engine, utilization=share))

    return lambda work: replace(work, tasks=tuple(map(of, work.tasks)))


def _of_shares(stage: Stage, work: Work, hardware: Hardware, devices: int) -> Iterator[Remedy]:
    """Weights and states shared out over a machine, where RL can (docs/parallel.md)."""
    held, many = work.trained, max(devices, hardware.devices)
    assert held
    algorithm = getattr(stage.config, "algorithm", None)
    alone = algorithm is None or (algorithm.samples == "policy" and not held.critic)
    if many == 1 or memory.shares_weights(held) or not alone:
        return
    words = f"+parallel@stages.{stage.name}.parallel=fsdp2"
    if getattr(stage.config, "reference_sync_steps", 0) and held.rank is None:
        words += f" stages.{stage.name}.reference_sync_steps=0"
    whole = any(isinstance(task, Draw) for task in work.tasks)
    yield Remedy("parallel.strategy", words, holding(strategy="fsdp", gathers=whole), many)


def of_adapters(stage: Stage, work: Work, devices: int) -> Iterator[Remedy]:
    if work.trained and work.trained.rank is None and hasattr(stage.config, "lora"):
        words = f"+lora@stages.{stage.name}.lora=default"
        yield Remedy("lora", words, holding(rank=RANK, frozen=0), devices)


def has_room(task: Draw, hardware: Hardware, over: int) -> bool:
    """Whether one sequence has room."""
    a_sequence = (task.prompt + task.limit) * memory.cached_bytes(task)
    return memory.cache_room(task, hardware, over) >= a_sequence
