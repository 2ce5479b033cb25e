"""Which values of which keys make a stage that trains fit: alone, or the fewest together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from pipeline.kinds import Stage
from stages.costs import memory
from stages.costs.hardware import GB, Hardware
from stages.costs.work import Draw, Task, Trained, Work

NAMED = 3  # remedies that are told
STEP = 256  # tokens, by which lengths are tried
RANK = 16  # of the adapters that `lora=default` has
SHARES = (0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1)  # of a device's memory, for an engine beside training
MOST = 1024  # devices


@dataclass(frozen=True)
class Remedy:
    """A key, what is written, and what the stage then does on so many devices."""

    key: str
    words: str
    work: Work
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


def helping(remedies: Sequence[Remedy], hardware: Hardware) -> list[tuple[Remedy, ...]]:
    """The groups of remedies that fit, of as few as can be."""
    for size in range(1, len(remedies) + 1):
        found = []
        for group in combinations(remedies, size):
            work, devices = _together(group)
            if needed(work, hardware, devices) <= limit(hardware):
                found.append(group)
        if found:
            return found[:NAMED]
    return []


def _together(group: Sequence[Remedy]) -> tuple[Work, int]:
    """What several remedies come to: what each changes of what the stage holds and draws."""
    work, devices = group[0].work, max(one.devices for one in group)
    for one in group[1:]:
        assert work.trained
        assert one.work.trained
        work = replace(
            work,
            trained=_merged(work.trained, one.work.trained, group),
            tasks=one.work.tasks if one.key.startswith("rollout") else work.tasks,
        )
    return work, devices


def _merged(first: Trained, second: Trained, group: Sequence[Remedy]) -> Trained:
    return replace(
        first,
        micro_batch=min(first.micro_batch, second.micro_batch),
        checkpointing=first.checkpointing or second.checkpointing,
        logits_with_gradient=first.logits_with_gradient and second.logits_with_gradient,
        rank=first.rank or second.rank,
        frozen=min(first.frozen, second.frozen),
        strategy="fsdp" if "fsdp" in (first.strategy, second.strategy) else first.strategy,
        gathers=first.gathers or second.gathers,
        longest=min(first.longest, second.longest),
    )


def remedies(stage: Stage, work: Work, hardware: Hardware, devices: int) -> list[Remedy]:
    held, found = work.trained, []
    assert held

    def with_(key: str, words: str, over: int = devices, **changed: object) -> None:
        found.append(Remedy(key, words, replace(work, trained=replace(held, **changed)), over))  # type: ignore[arg-type]

    name = f"stages.{stage.name}"
    if held.micro_batch > 1 and memory.pass_rows(held) > 1:
        with_("micro_batch", f"{name}.micro_batch=1", micro_batch=1)
    if not held.checkpointing:
        key = "precision.gradient_checkpointing"
        with_(key, f"{name}.{key}=true", checkpointing=True, logits_with_gradient=False)
    if smaller := _smaller_engine(work, hardware):
        key = "rollout.gpu_memory_utilization"
        share, tasks = smaller
        found.append(Remedy(key, f"{name}.{key}={share:g}", replace(work, tasks=tasks), devices))
    many = max(devices, hardware.devices)
    if many > 1 and not memory.shares_weights(held):
        words = f"+parallel@{name}.parallel=fsdp2"
        words += f" {name}.reference_sync_steps=0" if _syncs(stage) and held.rank is None else ""
        whole = any(isinstance(t, Draw) and t.engine.name != memory.VLLM for t in work.tasks)
        with_("parallel.strategy", words, many, strategy="fsdp", gathers=whole)
    if held.rank is None and hasattr(stage.config, "lora"):
        with_("lora", f"+lora@{name}.lora=default", rank=RANK, frozen=0)
    return found


def _syncs(stage: Stage) -> bool:
    return bool(getattr(stage.config, "reference_sync_steps", 0))


def _smaller_engine(work: Work, hardware: Hardware) -> tuple[float, tuple[Task, ...]] | None:
    """The largest share below the present one at which training fits; else the least that leaves
    the engine room for a sequence."""
    own = [*engines(work)]
    least = None
    for share in (each for each in SHARES if own and each < own[0].engine.utilization):
        tasks = tuple(_at_share(task, share) for task in work.tasks)
        drawn = engines(replace(work, tasks=tasks))
        if not all(has_room(task, hardware, task.engine.tensor_parallel) for task in drawn):
            break
        least = share, tasks
        if needed(replace(work, tasks=tasks), hardware, 1) <= limit(hardware):
            break
    return least


def _at_share(task: Task, share: float) -> Task:
    if not isinstance(task, Draw):
        return task
    return replace(task, engine=replace(task.engine, utilization=share))


def has_room(task: Draw, hardware: Hardware, over: int) -> bool:
    """Whether one sequence has room."""
    a_sequence = (task.prompt + task.limit) * memory.cached_bytes(task)
    return memory.cache_room(task, hardware, over) >= a_sequence


def more(work: Work, hardware: Hardware) -> str:
    """What no key mends: how many devices it takes when all share what they hold."""
    held = work.trained
    assert held
    least = replace(held, strategy="fsdp", micro_batch=1, checkpointing=True)
    count, length = 2, _shorter(work, hardware)
    shorter = f"; rows of {length} tokens with adapters, too" if length else ""
    while count <= MOST:
        if needed(replace(work, trained=least), hardware, count) <= limit(hardware):
            return (
                f"no key makes it fit here; parallel=fsdp2 does on {count} of these devices"
                f"{shorter}, or a smaller model"
            )
        count *= 2
    return f"no key makes it fit, on no number of such devices{shorter}: take a smaller model"


def _shorter(work: Work, hardware: Hardware) -> int:
    """The longest rows that one device holds with adapters and the smallest passes; 0: none."""
    held = work.trained
    assert held
    least = replace(held, micro_batch=1, checkpointing=True, rank=RANK, frozen=0)
    if smaller := _smaller_engine(work, hardware):
        work = replace(work, tasks=smaller[1])
    for length in range(held.longest // STEP * STEP, 0, -STEP):
        trained = replace(least, longest=length)
        if needed(replace(work, trained=trained), hardware, 1) <= limit(hardware):
            return length
    return 0
