"""What cannot fit on a device, and which values of which keys would.

A machine's memory bounds what a pass holds when its rows are as long as they may be.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem, Stage
from stages.costs import elsewhere, memory
from stages.costs.hardware import GB, Hardware
from stages.costs.more_room import more
from stages.costs.remedies import (
    NAMED,
    STEP,
    engines,
    has_room,
    helping,
    limit,
    needed,
    remedies,
)
from stages.costs.work import SHARED_OUT, Draw, Work
from stages.settings import carried
from stages.settings.context import positions


def problems(stage: Stage, work: Work, hardware: Hardware, devices: int) -> Iterator[Problem]:
    """What stands against running a stage there; on a CPU there is too little to go by."""
    if not hardware.device.accelerator or carried.too_large(stage):
        return
    if work.trained and work.trained.strategy == SHARED_OUT:
        if found := elsewhere.problem(
            stage, hardware, needed(work, hardware, devices), limit(hardware)
        ):
            yield found
    elif work.trained:
        yield from _training(stage, work, hardware, devices)
    for task in engines(work):
        if problem := _cache(stage, task, hardware, devices):
            yield problem
            break
    if not work.trained:
        yield from _serving(work, hardware, devices)


def _training(stage: Stage, work: Work, hardware: Hardware, devices: int) -> Iterator[Problem]:
    most, takes = limit(hardware), needed(work, hardware, devices)
    if takes <= most:
        return
    parts = memory.peak(work, hardware, devices)
    biggest = sorted(parts, key=lambda part: -parts[part])[:NAMED]
    told = ", ".join(f"{name} {parts[name] / GB:.0f}" for name in biggest)
    found = helping(remedies(stage, work, hardware, devices), work, hardware)
    if found:
        text = " or ".join(" and ".join(one.words for one in group) for group in found)
        key, text = found[0][0].key, f"set {text}"
    else:
        key, text = more(stage, work, hardware)
    yield Problem(
        key,
        f"it needs {takes / GB:.0f} GB on a {hardware.device.name} of {most / GB:.0f} ({told}): "
        f"{text}",
        when_run=True,
    )


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
    fits = next((n for n in spread if has_room(task, hardware, n)), None)
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
    most, parts = limit(hardware), memory.peak(work, hardware, devices)
    if not parts or sum(parts.values()) <= most:
        return
    rest = most - sum(size for name, size in parts.items() if name not in ("engine", "KV cache"))
    told = ", ".join(f"{name} {size / GB:.0f}" for name, size in parts.items() if size > GB)
    needs = f"it needs {sum(parts.values()) / GB:.0f} GB on a {hardware.device.name} of "
    needs += f"{most / GB:.0f} ({told}): "
    draw = next(task for task in work.tasks if isinstance(task, Draw))
    if "engine" in parts and rest > 0:
        share = int(100 * rest / most) / 100
        key, text = "rollout.gpu_memory_utilization", f"set it to at most {share:g}"
    elif rest > 0:
        tokens = int(rest / memory.cached_bytes(draw)) // STEP * STEP
        key, text = "rollout.batch_tokens", f"set it to at most {tokens}"
    else:
        key, text = "rollout.dtype", "take a smaller model, or a device with more memory"
    yield Problem(key, needs + text, when_run=True)
