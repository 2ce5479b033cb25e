"""The efficiencies that a machine showed, from what its finished stages counted.

Each number is fitted to what it multiplies in speed.py: seconds of training to FLOPs, passes and
updates; of generation to decoding steps and FLOPs; of stages of rows to rows. Fits are least
squares of relative errors (least_squares.py), so that a stage of a minute counts as much as one of
an hour. FLOPs of a token are those of the stage's forecast, tokens are those that were counted: a
wrong guess of lengths does not look like a slow machine.

What no stage showed stays as it was: links between devices, experts, kinds that did not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from stages.costs import memory, speed
from stages.costs.actual import Actual
from stages.costs.hardware import GB, Efficiencies, Hardware
from stages.costs.least_squares import coefficients
from stages.costs.work import (
    FORWARD,
    REWARD,
    ROLLOUT,
    TRAIN,
    VALIDATION,
    Draw,
    Handled,
    Passes,
    Work,
)

OTHER = "other"
LEARNT = (TRAIN, "save", "sync", OTHER)  # phases of a training, weights handed on included
SAID = (ROLLOUT, VALIDATION)  # of an engine in the process of a training
CALL, UPDATE, STEP, MATH, START = "call", "update", "step", "math", "start"
STEPS = "decode_calls"
TERA = 1e12


@dataclass(frozen=True)
class Observed:
    """A stage that ran: what it was to do, and what it took."""

    kind: str
    work: Work
    actual: Actual

    @property
    def draws(self) -> list[Draw]:
        return [task for task in self.work.tasks if isinstance(task, Draw)]

    @property
    def learns(self) -> list[Passes]:
        return [task for task in self.work.tasks if isinstance(task, Passes) and task.updates]

    @property
    def computes(self) -> bool:
        return any(isinstance(task, Draw | Passes) for task in self.work.tasks)

    @property
    def rows(self) -> float:
        return sum(task.rows for task in self.work.tasks if isinstance(task, Handled))

    def count(self, name: str, otherwise: float = 0.0) -> float:
        return self.actual.counts.get(name, otherwise)

    def seconds(self, phases: Iterable[str]) -> float:
        return sum(self.actual.phases.get(phase, 0.0) for phase in phases)

    @property
    def said_seconds(self) -> float:
        """In which it generated: engines of their own tell how long they were at it."""
        return self.count("engine_seconds") or self.seconds(SAID)

    @property
    def start_seconds(self) -> float:
        """Before its first phase, and around them all: processes, engines, publishing."""
        outside = self.actual.seconds - sum(self.actual.phases.values())
        return outside + self.seconds([START]) + self.count("engine_start_seconds")


def fitted(base: Hardware, stages: Sequence[Observed], name: str) -> Hardware:
    """The machine as its stages showed it; as it was where none did."""
    heavy = [one for one in stages if one.computes and one.actual.phases]
    light = [one for one in stages if not one.computes and one.rows]
    learning = _learning(heavy)
    saying = _saying(heavy)
    speeds = {name: 1 / each for name, each in learning.items() if each}
    speeds = {kind: each for kind, each in speeds.items() if kind not in (CALL, UPDATE)}
    math = [1 / saying[MATH]] if saying.get(MATH) else []
    own, device = base.efficiencies, base.device
    if not device.accelerator and (found := [*speeds.values(), *math]):
        peak = max(found) / TERA  # a CPU is known by what it reaches
        fastest = dict.fromkeys(device.tflops, _short(peak))
        device = replace(device, tflops=fastest, source="the fastest that its stages showed")
        own = replace(own, training={kind: _middle(speeds, peak) for kind in own.training})
    shares = {
        kind: _share(each, device.flops(_dtype(heavy, kind))) for kind, each in speeds.items()
    }
    changed: dict[str, Any] = {"training": {**own.training, **shares}}
    if shares:
        changed |= {"forward": median(shares.values())}
        changed |= {"call_seconds": learning[CALL], "update_seconds": learning[UPDATE]}
    if math:
        changed["decode_math"] = _share(math[0], device.flops("float32"))
    machine = replace(base, name=name, device=device)
    if STEP in saying:
        changed["step_seconds"] = max(0.0, saying[STEP] - _read_alone(heavy, machine))
    changed |= _slower(heavy, machine)
    changed |= _starts(heavy) | _rows(light, heavy, own) | _process(heavy, machine)
    return replace(machine, efficiencies=replace(own, **_rounded(changed)))


def _learning(heavy: Sequence[Observed]) -> dict[str, float]:
    """Seconds of a FLOP by kind, of a pass and of an update."""
    rows, seconds = [], []
    for one in heavy:
        if not one.learns or not (took := one.seconds(LEARNT)):
            continue
        foreseen = sum(task.tokens for task in one.learns)
        scale = one.count("tokens_trained", foreseen) / foreseen
        read = [task for task in one.work.tasks if isinstance(task, Passes) and not task.updates]
        beside = [task for task in read if task.phase == TRAIN]
        flops = scale * sum(task.flops for task in [*one.learns, *beside])
        updates = one.count("updates", sum(task.updates for task in one.learns))
        passes = one.count("passes", updates) + scale * sum(task.calls for task in beside)
        rows.append({one.kind: flops, CALL: passes, UPDATE: updates})
        seconds.append(took)
    return coefficients(rows, seconds)


def _saying(heavy: Sequence[Observed]) -> dict[str, float]:
    """Seconds of a decoding step and of a FLOP, of engines that count their steps."""
    rows, seconds = [], []
    for one in heavy:
        steps, took = one.count(STEPS), one.said_seconds
        if not one.draws or not steps or not took:
            continue
        of_token = sum(map(speed.flops, one.draws)) / sum(t.tokens + t.read for t in one.draws)
        read = one.count("tokens_in") * FORWARD * one.draws[0].model.active
        rows.append({STEP: steps, MATH: one.count("tokens_out") * of_token + read})
        seconds.append(took)
    return coefficients(rows, seconds)


def _read_alone(heavy: Sequence[Observed], machine: Hardware) -> float:
    """What of a decoding step is reading: speed.py counts it beside `step_seconds`."""
    own = machine.efficiencies
    free = replace(machine, efficiencies=replace(own, step_seconds=0.0))
    return median(
        speed.step_seconds(task, free, over=1, batch=1.0) for one in heavy for task in one.draws
    )


def _slower(heavy: Sequence[Observed], machine: Hardware) -> dict[str, float]:
    """Of engines that count no steps (vLLM): how many times as long they took as is said."""
    ratios = []
    for one in heavy:
        if not one.draws or not one.said_seconds or one.count(STEPS):
            continue
        longer = one.count("tokens_out") / sum(task.tokens for task in one.draws)
        tasks = [replace(task, mean=task.mean * longer) for task in one.draws]
        each = (speed.draw_seconds(t, machine, t.engine.tensor_parallel) for t in tasks)
        ratios.append(one.said_seconds / sum(each))
    if not ratios:
        return {}
    own, slower = machine.efficiencies, median(ratios)
    return {
        "bandwidth": min(1.0, own.bandwidth / slower),
        "decode_math": min(1.0, own.decode_math / slower),
        "step_seconds": own.step_seconds * slower,
    }


def _starts(heavy: Sequence[Observed]) -> dict[str, float]:
    found = [one.start_seconds for one in heavy]
    return {"start_seconds": max(0.0, median(found))} if found else {}


def _rows(
    light: Sequence[Observed], heavy: Sequence[Observed], own: Efficiencies
) -> dict[str, Any]:
    """Seconds of a stage of rows and of its rows; of completions, those that judge them."""
    found = coefficients(
        [{START: 1.0, one.kind: one.rows} for one in light],
        [one.actual.seconds for one in light],
    )
    each = {kind: value for kind, value in found.items() if kind != START}
    for kind in {one.kind for one in heavy if one.rows}:
        some = [one for one in heavy if one.kind == kind and one.rows]
        phases = (REWARD,) if any(one.learns for one in some) else (REWARD, OTHER)
        each[kind] = median(one.seconds(phases) / one.rows for one in some)
    start = {"light_seconds": found[START]} if START in found else {}
    return start | {"row_seconds": {**own.row_seconds, **each}}


def _process(heavy: Sequence[Observed], machine: Hardware) -> dict[str, float]:
    """What a process holds beside what its model needs."""
    beside = []
    for one in heavy:
        held = one.actual.device_bytes if machine.device.accelerator else one.actual.memory_bytes
        if held:
            parts: Mapping[str, float] = memory.peak(one.work, machine, 1)
            beside.append(held - sum(size for part, size in parts.items() if part != "process"))
    return {"process_gb": max(0.0, median(beside)) / GB} if beside else {}


def _rounded(changed: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {key: _short(each) for key, each in value.items()}
        if isinstance(value, Mapping)
        else _short(value)
        for name, value in changed.items()
    }


def _short(value: float) -> float:
    """To the digits that a measurement has."""
    return float(f"{value:.4g}")


def _dtype(heavy: Sequence[Observed], kind: str) -> str:
    held = [one.work.trained for one in heavy if one.kind == kind and one.work.trained]
    return "bfloat16" if held and held[0].bf16 else "float32"


def _share(speed_: float, peak: float) -> float:
    return min(1.0, speed_ / peak)


def _middle(speeds: Mapping[str, float], peak: float) -> float:
    """For kinds that did not run."""
    return _share(median(speeds.values()), peak * TERA) if speeds else 1.0
