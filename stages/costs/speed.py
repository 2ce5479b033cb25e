"""How long the tasks of a stage take on a machine (docs/costs.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stages.costs import memory
from stages.costs.hardware import GB, Hardware
from stages.costs.shapes import BF16, FP32
from stages.costs.work import (
    FORWARD,
    REWARD,
    ROLLOUT,
    SHARED_OUT,
    TRAIN,
    Draw,
    Handled,
    Passes,
    Task,
    Work,
)

RL = "rl"
START, ROWS = "start", "rows"
REDUCES = 2  # all-reduces of a layer, where a model is cut across devices
TAIL = 3.0  # the longest sequences run while a third of the batch still does, on average
GATHERS = 3  # times that sharded weights travel for a pass: forward, backward, gradients


def phases(kind: str, work: Work, hardware: Hardware, devices: int) -> Iterator[tuple[str, float]]:
    """Seconds of a stage by phase, in the order in which they come."""
    own = hardware.efficiencies
    computes = any(not isinstance(task, Handled) for task in work.tasks)
    found = {START: work.starts * own.start_seconds if computes else own.light_seconds}
    for task in work.tasks:
        seconds = _seconds(kind, task, work, hardware, devices)
        found[task.phase] = found.get(task.phase, 0.0) + seconds
    if work.overlaps:  # what is still waited for
        found[ROLLOUT] = max(0.0, found[ROLLOUT] - found[TRAIN])
    yield from ((phase, seconds) for phase, seconds in found.items() if seconds)


def flops(task: Task) -> float:
    """Of a task: what it draws is multiplied once, what it reads, too."""
    match task:
        case Draw():
            model, tokens = task.model, task.tokens + task.read
            back = model.attention_flops(task.prompt + task.mean / 2)
            return tokens * (FORWARD * model.active + back)
        case Passes():
            return task.flops
        case _:
            return 0.0


def _seconds(kind: str, task: Task, work: Work, hardware: Hardware, devices: int) -> float:
    own = hardware.efficiencies
    apart = max((one.engine.own for one in work.tasks if isinstance(one, Draw)), default=0)
    match task:
        case Draw():
            return draw_seconds(task, hardware, apart or devices) * (
                own.rl_overhead if kind == RL else 1.0
            )
        case Passes():
            slow = own.rl_overhead if kind == RL else 1.0
            left = max(1, devices - apart)
            if task.phase == REWARD and work.trained and work.trained.strategy == SHARED_OUT:
                left = 1  # reward models are in the process that leads the engine
            return passes_seconds(kind, task, work, hardware, left) * slow
        case _:
            return task.rows * own.row_seconds.get(kind, 0.0)


def passes_seconds(kind: str, task: Passes, work: Work, hardware: Hardware, devices: int) -> float:
    """FLOPs at the share of the peak that the kind reaches, or what travels meanwhile if that is
    longer; each pass and each optimiser step beside it."""
    own, device = hardware.efficiencies, hardware.device
    share = own.forward if task.reads else own.training.get(kind, min(own.training.values()))
    share *= own.moe if task.model.moe else 1.0
    bf16 = work.trained is None or work.trained.bf16
    math = task.flops / (devices * device.flops("bfloat16" if bf16 else "float32") * share)
    calls = task.calls / devices
    travel = calls * _pass_travel(task, work, hardware, devices)
    update = own.update_seconds + _update_travel(task, work, hardware, devices)
    return max(math, travel) + calls * own.call_seconds + task.updates * update


def _link(hardware: Hardware, devices: int) -> float:
    """Bytes a second from a device to the others."""
    inside = devices <= hardware.devices
    return (hardware.device.link_gb_s if inside else hardware.network_gb_s) * GB


def _pass_travel(task: Passes, work: Work, hardware: Hardware, devices: int) -> float:
    """Seconds in which shares of weights and gradients meet for a pass."""
    held = work.trained
    if devices == 1 or held is None or task.reads or not memory.shares_weights(held):
        return 0.0
    travels = GATHERS * BF16 * task.model.parameters * (devices - 1) / devices
    return travels / _link(hardware, devices)


def _update_travel(task: Passes, work: Work, hardware: Hardware, devices: int) -> float:
    """Seconds in which gradients of copies are averaged, once a step and not beside the passes."""
    held = work.trained
    if devices == 1 or held is None or task.reads or memory.shares_weights(held):
        return 0.0
    if held.strategy == SHARED_OUT:  # each device has gradients of a part
        return 0.0
    travels = 2 * FP32 * memory.trained_parameters(held) * (devices - 1) / devices
    return travels / _link(hardware, devices)


@dataclass(frozen=True)
class Decoding:
    """An engine at work: sequences at a time, and the seconds of a step with so many."""

    engines: float
    batch: float
    step: float
    alone: float  # of a step with one sequence
    tail: float  # of a step while the last ones run


def draw_seconds(task: Draw, hardware: Hardware, devices: int) -> float:
    """Rounds of completions. A round lasts as long as its tokens take, or as its longest does.

    Our own loop fills a batch once and decodes it to its end, so there it is the one and the other.
    """
    at = decoding(task, hardware, devices)
    share, rounds = task.sequences / at.engines, task.rounds
    if task.shards:
        share, rounds = task.sequences, max(1.0, task.rounds / at.engines)
    if task.engine.name == "vllm":
        flowing = share * task.mean * at.step / at.batch
        told = hardware.efficiencies.sequence_tokens_s.get(task.model.name)
        slowest = 1.0 / told if told else at.tail
        round_ = max(flowing, task.longest * slowest)
    else:
        batches = max(1.0, share / at.batch)
        round_ = batches * task.longest * at.alone
        round_ += share * task.mean * (at.step - at.alone) / at.batch
    return rounds * round_ + prefill_seconds(task, hardware, devices)


def prefill_seconds(task: Draw, hardware: Hardware, devices: int) -> float:
    """What is read before the first token."""
    speed = devices * hardware.device.flops(_dtype(task)) * hardware.efficiencies.forward
    return task.read * FORWARD * task.model.active / speed


def decoding(task: Draw, hardware: Hardware, devices: int) -> Decoding:
    """How the engines of a stage decode."""
    each = task.engine.tensor_parallel
    engines = max(1.0, devices / each)
    room = memory.sequences(task, hardware, min(each, devices))
    asked = task.sequences if task.shards else task.sequences / engines
    batch = max(1.0, min(asked, room))
    over = min(each, devices)
    step, alone, tail = (
        step_seconds(task, hardware, over, count) for count in (batch, 1.0, max(1.0, batch / TAIL))
    )
    return Decoding(engines, batch, step, alone, tail)


def step_seconds(task: Draw, hardware: Hardware, over: int, batch: float) -> float:
    """One decoding step of an engine over so many devices."""
    model, device, own = task.model, hardware.device, hardware.efficiencies
    context = task.prompt + task.mean / 2
    weights = task.engine.weights * model.read_parameters(batch)
    keys = batch * context * model.cached * BF16
    reading = (weights + keys) / (over * device.bandwidth_gb_s * GB * own.bandwidth)
    maths = batch * (FORWARD * model.active + model.attention_flops(context))
    maths /= over * device.flops(_dtype(task)) * own.decode_math
    latency = own.link_seconds if over <= hardware.devices else own.network_seconds
    between = REDUCES * model.layers * latency if over > 1 else 0.0
    return max(reading, maths) + between + own.step_seconds


def _dtype(task: Draw) -> str:
    return "float32" if task.engine.weights == FP32 else "bfloat16"
