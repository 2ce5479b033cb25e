"""How stages are listed by the verbs that look: as rows for `--json`, as lines for people."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.plan import Decision
from pipeline.progress import clock
from pipeline.situation import Situation

INDENT = "    "


def rows(situation: Situation, decisions: Mapping[str, Decision]) -> list[dict[str, Any]]:
    """One row per stage, as `--json` prints them."""
    return [
        {
            "stage": name,
            "kind": situation.graph.stages[name].kind.name,
            "state": str(decision.state),
            "fingerprint": situation.wanted[name].fingerprint,
            "artifact": _artifact(situation, name),
            "seconds": _seconds(situation, name),
        }
        for name, decision in decisions.items()
    ]


def plan_rows(situation: Situation, decisions: Mapping[str, Decision]) -> list[dict[str, Any]]:
    """The same with what else the plan knows: why, from where, its edges and its numbers."""
    return [
        row
        | {
            "reason": decisions[row["stage"]].reason,
            "source": origin(situation, row["stage"]),
            "edges": [
                {"edge": edge.name, "stage": edge.stage}
                for edge in situation.graph.stages[row["stage"]].edges
            ],
            "numbers": derived(situation, row["stage"]),
        }
        for row in rows(situation, decisions)
    ]


def stage_lines(row: Mapping[str, Any], reason: str) -> Iterator[str]:
    """How one stage stands, and why."""
    words = f"{row['stage']:24} {row['kind']:19} {row['state']:8} {row['fingerprint']}"
    yield f"{words} {clock(row['seconds']):>8}".rstrip()
    if reason:
        yield from filled([reason], "")


def origin(situation: Situation, stage: str) -> str:
    """Where the rows or weights come from that a stage brings in itself, or nothing."""
    own = situation.graph.stages[stage]
    return own.kind.origin(own) if own.kind.origin else ""


def derived(situation: Situation, stage: str) -> Mapping[str, int | str]:
    """The numbers that follow from a stage's config and from its finished inputs."""
    own = situation.graph.stages[stage]
    inputs = {
        source: artifact
        for source in situation.graph.inputs(stage)
        if (artifact := situation.facts[source].artifact) is not None
    }
    return own.kind.numbers(own, inputs) if own.kind.numbers else {}


def filled(parts: Sequence[str], between: str, first: str = INDENT) -> list[str]:
    """The parts in lines as wide as the terminal; a part is broken only if it alone is wider."""
    width = shutil.get_terminal_size((80, 24)).columns
    rest = " " * len(first)
    lines, line = [], first
    for number, part in enumerate(parts):
        text = part + (between if number < len(parts) - 1 else "")
        if line.strip() and line != first and len(line + text.rstrip()) > width:
            lines.append(line.rstrip())
            line = rest
        line += text
    lines.append(line.rstrip())
    return [
        piece
        for line in lines
        for piece in textwrap.wrap(
            line, width, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
        )
    ]


def _artifact(situation: Situation, name: str) -> str | None:
    artifact = situation.facts[name].artifact
    return str(artifact.path) if artifact else None


def _seconds(situation: Situation, name: str) -> float | None:
    artifact = situation.facts[name].artifact
    return float(artifact.manifest["seconds"]) if artifact else None
