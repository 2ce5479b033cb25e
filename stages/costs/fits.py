"""What cannot fit on a device, and which values of which keys would.

A remedy is a key with a value; those that help alone are named first, else the first few that help
together. A machine's memory bounds what a pass holds when its rows are as long as they may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from pipeline.kinds import Problem, Stage
from stages.costs import memory
from stages.costs.hardware import GB, Hardware
from stages.costs.work import Draw, Task, Trained, Work
from stages.settings.context import positions

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


def problems(stage: Stage, work: Work, hardware: Hardware, devices: int) -> Iterator[Problem]:
    """What stands against running a stage there; on a CPU there is too little to go by."""
    if not hardware.device.accelerator:
        return
    if work.trained:
        yield from _training(stage, work, hardware, devices)
    for task in _engines(work):
        if problem := _cache(stage, task, hardware, devices):
            yield problem
            break
    if not work.trained:
        yield from _serving(work, hardware, devices)


def _engines(work: Work) -> Iterator[Draw]:
    """One draw of each model that vLLM serves."""
    seen = set()
    for task in work.tasks:
        if isinstance(task, Draw) and task.engine.name == memory.VLLM and task.model not in seen:
            seen.add(task.model)
            yield task


def _limit(hardware: Hardware) -> float:
    return hardware.device.memory_gb * GB


def _needed(work: Work, hardware: Hardware, devices: int) -> float:
    return sum(memory.peak(work, hardware, devices).values())


def _training(stage: Stage, work: Work, hardware: Hardware, devices: int) -> Iterator[Problem]:
    limit, needed = _limit(hardware), _needed(work, hardware, devices)
    if needed <= limit:
        return
    parts = memory.peak(work, hardware, devices)
    biggest = sorted(parts, key=lambda part: -parts[part])[:NAMED]
    told = ", ".join(f"{name} {parts[name] / GB:.0f}" for name in biggest)
    found = _helping(_remedies(stage, work, hardware, devices), hardware)
    if found:
        text = " or ".join(" and ".join(one.words for one in group) for group in found)
        key, text = found[0][0].key, f"set {text}"
    else:
        key, text = "parallel.strategy", _more(work, hardware)
    yield Problem(
        key,
        f"it needs {needed / GB:.0f} GB on a {hardware.device.name} of {limit / GB:.0f} ({told}): "
        f"{text}",
        when_run=True,
    )


def _helping(remedies: Sequence[Remedy], hardware: Hardware) -> list[tuple[Remedy, ...]]:
    """The groups of remedies that fit, of as few as can be."""
    for size in range(1, len(remedies) + 1):
        found = []
        for group in combinations(remedies, size):
            work, devices = _together(group)
            if _needed(work, hardware, devices) <= _limit(hardware):
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


def _remedies(stage: Stage, work: Work, hardware: Hardware, devices: int) -> list[Remedy]:
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
    """The largest share below the present one at which the engine has room and training fits."""
    engines = [*_engines(work)]
    if not engines or not work.trained:
        return None
    for share in (each for each in SHARES if each < engines[0].engine.utilization):
        tasks = tuple(_at_share(task, share) for task in work.tasks)
        least = [*_engines(replace(work, tasks=tasks))]
        room = all(_room(task, hardware, task.engine.tensor_parallel) for task in least)
        if room and _needed(replace(work, tasks=tasks), hardware, 1) <= _limit(hardware):
            return share, tasks
    return None


def _at_share(task: Task, share: float) -> Task:
    if not isinstance(task, Draw):
        return task
    return replace(task, engine=replace(task.engine, utilization=share))


def _room(task: Draw, hardware: Hardware, over: int) -> bool:
    """Whether one sequence has room."""
    needed = (task.prompt + task.limit) * memory.cached_bytes(task)
    return memory.cache_room(task, hardware, over) >= needed


def _more(work: Work, hardware: Hardware) -> str:
    """What no key mends: how many devices it takes when all share what they hold."""
    held = work.trained
    assert held
    least = replace(held, strategy="fsdp", micro_batch=1, checkpointing=True)
    count, length = 2, _shorter(work, hardware)
    shorter = f"; rows of {length} tokens with adapters, too" if length else ""
    while count <= MOST:
        if _needed(replace(work, trained=least), hardware, count) <= _limit(hardware):
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
    for length in range(held.longest // STEP * STEP, 0, -STEP):
        trained = replace(least, longest=length)
        if _needed(replace(work, trained=trained), hardware, 1) <= _limit(hardware):
            return length
    return 0


def _cache(stage: Stage, task: Draw, hardware: Hardware, devices: int) -> Problem | None:
    """vLLM refuses to start where one sequence as long as its window has no room."""
    over = task.engine.tensor_parallel
    room, a_token = memory.cache_room(task, hardware, over), memory.cached_bytes(task)
    asked = int(task.prompt) + task.limit
    window = task.engine.most_tokens or _window(stage, task) or asked
    if room >= window * a_token:
        return None
    fitting = int(room / a_token) // STEP * STEP
    words = (
        f"vLLM's share of a {hardware.device.name} is {_share(task, hardware):.0f} GB, of which "
    )
    words += f"weights take {task.engine.weights * task.model.parameters / over / GB:.0f}; "
    if fitting >= asked:
        return Problem(
            "rollout.max_model_tokens",
            f"is {task.engine.most_tokens or 'null'}, so a sequence of {window} tokens must have "
            f"room: {words}set it to at most {fitting}",
            when_run=True,
        )
    spread = [n for n in (2, 4, 8, 16, 32) if n > over and n <= max(hardware.total, 1)]
    fits = next((n for n in spread if _room(task, hardware, n)), None)
    remedy = "take a smaller model or a device with more memory"
    if fits:
        remedy = f"set rollout.tensor_parallel_size to {fits}, and {key_of_window(asked)}"
    elif fitting > 0:
        remedy = f"set the completion's limit so that it is at most {fitting} with its prompt"
    key = "rollout.tensor_parallel_size" if fits else "rollout.gpu_memory_utilization"
    left = max(0.0, room / a_token)
    return Problem(
        key,
        f"{words}keys and values of {left:.0f} tokens have room, and a sequence has up to {asked}: "
        f"{remedy}",
        when_run=True,
    )


def key_of_window(asked: int) -> str:
    """The key that bounds a sequence, with what a stage asks for."""
    return f"rollout.max_model_tokens to {-(-asked // STEP) * STEP}"


def _share(task: Draw, hardware: Hardware) -> float:
    return task.engine.utilization * hardware.device.memory_gb


def _window(stage: Stage, task: Draw) -> int | None:
    """What the model sees, by which vLLM goes where nothing bounds it."""
    for edge in ("evaluates", "data_from", "init_from"):
        for source in stage.inputs.get(edge, ()):
            if source.kind.produces == "model" and (seen := positions(source)):
                return seen.tokens
    return None


def _serving(work: Work, hardware: Hardware, devices: int) -> Iterator[Problem]:
    """Generation without training: our own loop, and reward models beside an engine."""
    limit, parts = _limit(hardware), memory.peak(work, hardware, devices)
    if not parts or sum(parts.values()) <= limit:
        return
    rest = limit - sum(size for name, size in parts.items() if name not in ("engine", "KV cache"))
    told = ", ".join(f"{name} {size / GB:.0f}" for name, size in parts.items() if size > GB)
    needs = f"it needs {sum(parts.values()) / GB:.0f} GB on a {hardware.device.name} of "
    needs += f"{limit / GB:.0f} ({told}): "
    draw = next(task for task in work.tasks if isinstance(task, Draw))
    if "engine" in parts and rest > 0:
        share = int(100 * rest / limit) / 100
        key, text = "rollout.gpu_memory_utilization", f"set it to at most {share:g}"
    elif rest > 0:
        tokens = int(rest / memory.cached_bytes(draw)) // STEP * STEP
        key, text = "rollout.batch_tokens", f"set it to at most {tokens}"
    else:
        key, text = "rollout.dtype", "take a smaller model, or a device with more memory"
    yield Problem(key, needs + text, when_run=True)
