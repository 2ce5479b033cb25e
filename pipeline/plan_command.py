"""`r1 plan`: what `r1 run` would do, and what follows from the config. Nothing runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline import checks
from pipeline.compose import Composed
from pipeline.plan import Decision, State, decide
from pipeline.project import Project, load
from pipeline.shipped import made_anew
from pipeline.situation import Situation, survey
from pipeline.slots import Slots
from pipeline.stage_rows import INDENT, filled, plan_rows, stage_lines


def plan(project: Project, composed: Composed, as_json: bool) -> int:
    """States, where rows and models come from, edges, derived numbers, warnings."""
    situation = survey(project, composed)
    decisions = decide(situation.graph, situation.selection, situation.facts)
    stages, warnings = plan_rows(situation, decisions), list(_warnings(situation))
    if as_json:
        print(json.dumps({"stages": stages, "warnings": warnings}, indent=1, ensure_ascii=False))
    else:
        print("\n".join(_lines(stages, decisions, composed.root.get("slots", {}), warnings)))
    situation.store.save_caches()
    return 0


def _lines(
    stages: list[dict[str, Any]],
    decisions: Mapping[str, Decision],
    slots: Slots,
    warnings: list[str],
) -> Iterator[str]:
    for row in stages:
        yield from stage_lines(row, decisions[row["stage"]].reason)
        if row["source"]:
            yield from filled([row["source"]], "", f"{INDENT}from ")
        if row["edges"]:
            yield from filled(list(_inputs(row["edges"], slots)), ", ", f"{INDENT}← ")
        if row["numbers"]:
            yield from filled([_named(*number) for number in row["numbers"].items()], " · ")
    done = sum(d.state is State.DONE for d in decisions.values())
    yield f"{len(decisions)} stages: {done} done, {len(decisions) - done} to run"
    for warning in warnings:
        yield from filled([warning], "", "warning: ")


def _inputs(edges: Sequence[Mapping[str, str]], slots: Slots) -> Iterator[str]:
    """What a stage takes, by which edge; several stages that fill a slot by the slot's name."""
    rest = list(edges)
    while rest:
        edge = rest[0]["edge"]
        names = [one["stage"] for one in rest if one["edge"] == edge]
        fits = (n for n, own in slots.items() if len(own) > 1 and names[: len(own)] == own)
        slot = next(fits, None)
        taken = len(slots[slot]) if slot else 1
        yield f"{slot}: {taken} stages ({edge})" if slot else f"{names[0]} ({edge})"
        del rest[:taken]


def _warnings(situation: Situation) -> Iterator[str]:
    for text in checks.lines(situation.problems, True):
        yield f"{text}; `r1 run` refuses it"
    yield from checks.lines(situation.problems, only_said=True)
    cautions, launcher = situation.project.cautions, situation.composed.root.get("launcher") or {}
    if cautions and launcher.get("name", "local") != "local":  # whose limits a plan can be held to
        pending = [n for n in situation.selection.stages if situation.facts[n].artifact is None]
        yield from load(cautions)(situation, pending)
    if anew := made_anew(situation, situation.selection.stages):
        yield anew
    yield from source_warnings(situation)


def _named(name: str, value: int | str) -> str:
    return f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"


def source_warnings(situation: Situation) -> list[str]:
    """Finished stages, but for what ships, whose code changed since, under the same version."""
    changed: dict[str, list[str]] = {}
    for name in situation.selection.stages:
        artifact, kind = situation.facts[name].artifact, situation.graph.stages[name].kind
        if artifact is None or situation.store.ships(artifact.fingerprint):
            continue
        if artifact.manifest["code"]["sources"] != situation.store.sources.digest(kind):
            changed.setdefault(kind.name, []).append(name)
    return [
        f"the code of kind `{kind}` changed since {', '.join(stages)} ran, its version did not; "
        "raise `version` in the registry of kinds if results change"
        for kind, stages in changed.items()
    ]
