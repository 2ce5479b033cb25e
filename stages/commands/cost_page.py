"""`r1 plan --cost`: what a recipe takes on a machine, stage by stage (docs/costs.md)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline import checks
from pipeline.compose import Composed
from pipeline.errors import UsageError
from pipeline.launchers.spread import gpus_asked
from pipeline.plan import State, decide
from pipeline.progress import clock
from pipeline.project import Project
from pipeline.situation import Situation, survey
from pipeline.stage_rows import filled
from stages.commands.time_limits import too_short
from stages.costs.detect import gpus
from stages.costs.estimate import Estimate, Forecast, forecast
from stages.costs.hardware import FILE, GB, SECTION, Hardware, of_root
from stages.costs.schedule import Granted

HEAD = (
    *("stage", "devices", "tokens in", "tokens out", "FLOPs", "GPU-hours"),
    *("time", "GB a device", "GB on disk", "price"),
)
NONE = "–"
AT_HAND = "this"  # the file of conf/hardware that looks at the machine


def plan_cost(project: Project, composed: Composed, form: str) -> int:
    """The command: as `json`, as `markdown`, or as `text`. Returns the exit code.

    It is 0 also where something does not fit: this shows what another machine or key would take.
    """
    found = foreseen(survey(project, composed), composed)
    if form == "json":
        print(json.dumps(as_json(found), indent=1, ensure_ascii=False))
    else:
        print("\n".join(_markdown(found) if form == "markdown" else _text(found)))
    return 0


def foreseen(situation: Situation, composed: Composed) -> Forecast:
    """What the stages that are not done take on the machine of the config."""
    decisions = decide(situation.graph, situation.selection, situation.facts)
    stages = {name: situation.graph.stages[name] for name in situation.selection.stages}
    there = {name: fact.artifact for name, fact in situation.facts.items() if fact.artifact}
    facts = {name: artifact.facts for name, artifact in there.items()}
    done = {name for name in stages if decisions[name].state is State.DONE}
    hardware = of_root(composed.root, composed.choices.get(SECTION, ""))
    return forecast(stages, hardware, facts, done, asked_by(composed, hardware))


def asked_by(composed: Composed, hardware: Hardware) -> Granted:
    """The GPUs that the launcher of a config asks a scheduler for."""
    launcher, profile = composed.root["launcher"], composed.choices.get("profile", "")
    return lambda stage: gpus_asked(launcher, stage, profile, hardware.devices)


def cautions(situation: Situation, pending: Sequence[str]) -> list[str]:
    """What of a run cannot fit, in memory or in a time limit: said, as the estimate may be wrong.

    Without a GPU, and without a machine that is named, nothing is estimated.
    """
    composed = situation.composed
    named = composed.choices.get(SECTION) != AT_HAND or composed.root[SECTION][FILE]
    if not named and not gpus():
        return []
    try:
        found = foreseen(situation, composed)
    except UsageError as error:  # a machine that nobody knows
        return [f"what fits is not known: {error}"]
    texts = {
        one.stage: list(one.problems)
        for one in found.stages.values()
        if one.problems and one.stage in pending
    }
    said = [*checks.lines(texts, when_run=True)]
    said += too_short(found, situation.graph.stages, composed, pending)
    return [f"{text} (r1 plan --cost)" for text in said]


def as_json(found: Forecast) -> dict[str, Any]:
    """All of it: the machine, each stage with when it runs, totals, the critical path."""
    stages = []
    for name, one in found.stages.items():
        slot = found.slots[name]
        row = dataclasses.asdict(one) | {"start": slot.start, "end": slot.end}
        row["problems"] = [{"key": p.key, "text": p.text} for p in one.problems]
        stages.append(row)
    totals = ("tokens_in", "tokens_out", "flops", "gpu_hours", "disk_bytes")
    return {
        "hardware": json.loads(json.dumps(dataclasses.asdict(found.hardware))),
        "stages": stages,
        "total": {name: found.total(name) for name in totals}
        | {"seconds": found.seconds, "money": found.money},
        "critical_path": found.critical_path,
        "problems": [f"stages.{one.stage}.{p.key}: {p.text}" for one, p in _problems(found)],
    }


def _problems(found: Forecast) -> Iterator[tuple[Estimate, Any]]:
    for one in found.stages.values():
        for problem in one.problems:
            yield one, problem


def _rows(found: Forecast) -> Iterator[Sequence[str]]:
    for one in found.stages.values():
        yield _cells(one, found)
    yield (
        "all",
        "",
        _count(found.total("tokens_in")),
        _count(found.total("tokens_out")),
        _exponent(found.total("flops")),
        _hours(found.total("gpu_hours")),
        clock(found.seconds),
        "",
        _gb(found.total("disk_bytes")),
        _money(found.money, found),
    )


def _cells(one: Estimate, found: Forecast) -> Sequence[str]:
    return (
        f"{one.stage} !" if one.problems else one.stage,
        str(one.devices or NONE),
        _count(one.tokens_in),
        _count(one.tokens_out),
        _exponent(one.flops),
        _hours(one.gpu_hours),
        clock(one.seconds),
        _gb(sum(one.peak_bytes.values())),
        _gb(one.disk_bytes),
        _money(one.money, found),
    )


def _text(found: Forecast) -> Iterator[str]:
    yield _machine(found)
    rows = [HEAD, *_rows(found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
    for row in rows:
        yield " ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
    yield from _words(found)


def _markdown(found: Forecast) -> Iterator[str]:
    yield f"{_machine(found)}\n"
    yield f"| {' | '.join(HEAD)} |"
    yield f"|---|{'---:|' * (len(HEAD) - 1)}"
    for row in _rows(found):
        yield f"| {' | '.join(row)} |"
    yield ""
    yield from _words(found)


def _machine(found: Forecast) -> str:
    own = found.hardware
    nodes = f"{own.nodes} machines, each " if own.nodes > 1 else ""
    price = own.price
    told = "no price" if price.hour is None else f"{price.hour:g} {price.currency} a device-hour"
    return f"hardware {own.name}: {nodes}{own.devices} × {own.device.name}, {told}"


def _words(found: Forecast) -> Iterator[str]:
    """What the end waits for, what fills the memory, what does not fit, what nobody knows."""
    if path := found.critical_path:
        yield from filled([*path], " → ", "critical path: ")
    for one in found.stages.values():
        if one.unknown:
            names = ", ".join(one.unknown)
            yield from filled([f"{one.stage}: nobody knows the shape of {names}; counted as 0"], "")
    if others := [one.stage for one in found.stages.values() if one.not_here]:
        yield from filled(others, ", ", "not run here: ")
        yield "(r1 plan says why; reckoned as by a program that shares all out over all devices)"
    texts = {one.stage: list(one.problems) for one in found.stages.values() if one.problems}
    if texts:
        yield "!: does not fit, so its time says little"
    for text in checks.lines(texts, when_run=True):
        yield from filled([text], "", "does not fit: ")


def _count(value: float) -> str:
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.0f}" if value else NONE


def _exponent(value: float) -> str:
    return f"{value:.1e}" if value else NONE


def _hours(value: float) -> str:
    return NONE if not value else f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _gb(value: float) -> str:
    return NONE if not value else f"{value / GB:.2g}" if value < 10 * GB else f"{value / GB:,.0f}"


def _money(value: float | None, found: Forecast) -> str:
    if value is None:
        return NONE
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def breakdown(parts: Mapping[str, float]) -> str:
    """What holds a device's memory, most first."""
    biggest = sorted(parts.items(), key=lambda part: -part[1])
    return ", ".join(f"{name} {_gb(size)}" for name, size in biggest if size > 0.05 * GB)
