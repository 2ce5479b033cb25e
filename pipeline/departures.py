"""What a composed recipe sets otherwise than the project's reference: `r1 plan --departures`.

The reference is the same recipe with other overrides (`Project.reference`, here `profile=paper`).
A stage's `sources` say where the reference's numbers stand, by key; a number without one is this
project's own. `departures` at the root of a profile gives the reasons: by key, or by `STAGE.KEY` or
`KIND.KEY` where one does not hold everywhere. A reason for `sampling` holds for all keys below it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.compose import Composed, compose
from pipeline.errors import UsageError
from pipeline.identity import config_identity
from pipeline.kinds import EDGES
from pipeline.project import Project

COMMAND_LINE = "set on the command line"
ABSENT = "absent"


@dataclasses.dataclass(frozen=True)
class Departure:
    """One number of one stage. source: where the reference's stands; None: it is our own there."""

    stage: str
    key: str
    reference: Any
    source: str | None
    value: Any
    reason: str | None


def plan_departures(project: Project, composed: Composed, as_json: bool) -> int:
    """The command: every departure as JSON, or as text with stages alike put together."""
    if project.reference is None:
        raise UsageError("--departures: this project has no reference to depart from")
    reference = compose(project, _reference_overrides(project.reference, composed))
    found = list(departures(composed, reference))
    if as_json:
        rows = [dataclasses.asdict(departure) for departure in found]
        print(json.dumps({"reference": project.reference, "departures": rows}, indent=1))
    else:
        print("\n".join(_text(found, project.reference, reference.root.get("sources"))))
    return 0


def departures(composed: Composed, reference: Composed) -> Iterator[Departure]:
    """What changes results and is not as in the reference, stage by stage."""
    reasons: Mapping[str, str] = composed.root.get("departures") or {}
    given = {override.lstrip("+~").partition("=")[0] for override in composed.overrides}
    for stage, config in composed.stages.items():
        other = reference.stages.get(stage)
        if other is None or other.kind != config.kind:
            continue
        sources = getattr(other, "sources", {})
        values, references = _leaves(config), _leaves(other)
        for key in dict.fromkeys((*references, *values)):
            was, now = references.get(key, ABSENT), values.get(key, ABSENT)
            if was != now:
                places = (f"stages.{stage}.{key}", key)  # key: also what it has from the root
                typed = any(place.startswith(name) for name in given for place in places)
                reason = COMMAND_LINE if typed else _reason(reasons, stage, config.kind, key)
                yield Departure(stage, key, was, _nearest(sources, key), now, reason)


def _reference_overrides(reference: str, composed: Composed) -> list[str]:
    """The overrides, but for the group that the reference chooses and values that it may set."""
    set_there = {reference.partition("=")[0], *_groups_of_stages(composed)}
    kept = []
    for override in composed.overrides:
        key = override.lstrip("+~").partition("=")[0]
        head, _, rest = key.partition(".")
        stage = composed.stages.get(rest.partition(".")[0]) if head == "stages" else None
        sourced = "@" not in key and bool(getattr(stage, "sources", None))
        if head not in set_there and not sourced:
            kept.append(override)
    return [*kept, reference]


def _groups_of_stages(composed: Composed) -> set[str]:
    """The groups at the root that stages take settings from, such as `algorithm`."""
    return {
        field.metadata["root"]
        for stage in composed.stages.values()
        for field in dataclasses.fields(stage)
        if "root" in field.metadata and dataclasses.is_dataclass(getattr(stage, field.name))
    }


def _leaves(config: Any) -> dict[str, Any]:
    """The values of a config that change results, by dotted key; mappings by their entries."""
    found: dict[str, Any] = {}

    def walk(value: Any, key: str) -> None:
        if isinstance(value, Mapping):
            for name, item in value.items():
                walk(item, f"{key}.{name}" if key else str(name))
        else:
            found[key] = value

    walk(config_identity(config).config, "")
    return {key: value for key, value in found.items() if key not in ("kind", *EDGES)}


def _nearest(entries: Mapping[str, str], key: str) -> str | None:
    """The entry of a key, or of what it lies in."""
    while key:
        if key in entries:
            return entries[key]
        key = key.rpartition(".")[0]
    return None


def _reason(reasons: Mapping[str, str], stage: str, kind: str, key: str) -> str | None:
    for prefix in (f"{stage}.", f"{kind}.", ""):
        if reason := _nearest(reasons, f"{prefix}{key}"):
            return reason
    return None


def _text(found: Sequence[Departure], reference: str, sources: Any) -> Iterator[str]:
    """Lines; what several stages depart in alike stands once, below their names."""
    alike: dict[tuple[str, str, str, str, str], list[str]] = {}
    for d in found:
        same = (d.key, _shown(d.reference), d.source or "", _shown(d.value), d.reason or "")
        alike.setdefault(same, []).append(d.stage)
    by_stages: dict[tuple[str, ...], list[tuple[str, str, str, str, str]]] = {}
    for same, stages in alike.items():
        by_stages.setdefault(tuple(stages), []).append(same)
    sourced = sum(d.source is not None for d in found)
    yield f"{len(found)} departures from {reference}, {sourced} of them from numbers with a source"
    if sources:
        yield f"sources: {sources}"
    for together, rows in by_stages.items():
        yield ", ".join(together)
        for key, was, source, now, reason in rows:
            where = f" ({source})" if source else " (ours)"
            yield f"  {key}: {was}{where} → {now}" + (f"  · {reason}" if reason else "")


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
