"""What a composed recipe sets otherwise than the reference: `r1 plan --departures`.

The reference is the same recipe with other overrides (`profile=paper`).
A stage's `sources` (pipeline/sections.py) say where the reference's numbers stand; a number without
one is this project's own. `departures` at the root of a profile gives the reasons: by key, or by
`STAGE.KEY` or `KIND.KEY` where one does not hold everywhere. A reason for `sampling` holds for all
keys below it.
How the reference itself stands to the paper is in paper.py.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pipeline.compose import Composed, compose
from pipeline.project import Project
from stages.commands.fidelity.paper import Fidelity, leaves, nearest, reason_of, sources_of
from stages.kinds.rl.config import RLConfig
from stages.kinds.rl.settle import settled

REFERENCE = "profile=paper"
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


def plan_departures(project: Project, composed: Composed, form: str) -> int:
    """The command: all of it as `json`, as `markdown`, or as `text`. Returns the exit code."""
    reference = compose(project, reference_overrides(composed))
    registry = project.kinds()
    found = list(departures(composed, reference, registry.edges))
    fidelity = Fidelity.of(reference, registry)
    if form == "json":
        rows = [dataclasses.asdict(departure) for departure in found]
        said = {"reference": REFERENCE, "departures": rows, **dataclasses.asdict(fidelity)}
        print(json.dumps(said, indent=1, ensure_ascii=False))
    else:
        from stages.commands.fidelity.page import Page

        sources = reference.root.get("sources")
        page = Page(composed.name, REFERENCE, sources, found, fidelity)
        print(page.markdown() if form == "markdown" else page.text())
    return 0


def departures(
    composed: Composed, reference: Composed, edges: Collection[str]
) -> Iterator[Departure]:
    """What changes results and is not as in the reference, stage by stage."""
    reasons: Mapping[str, str] = composed.root.get("departures") or {}
    given = {override.lstrip("+~").partition("=")[0] for override in composed.overrides}
    for stage, config in composed.stages.items():
        other = reference.stages.get(stage)
        if other is None or other.kind != config.kind:
            continue
        sources = sources_of(other)
        values, references = leaves(config, edges), leaves(other, edges)
        brought = leaves(_with_its_algorithm(other, config), edges)
        for key in dict.fromkeys((*references, *values)):
            was, now = references.get(key, ABSENT), values.get(key, ABSENT)
            if was != now:
                own = key.startswith("algorithm.") or brought.get(key, ABSENT) == was
                because = key if own else "algorithm"
                places = (f"stages.{stage}.{because}", because)  # also what it has from the root
                typed = any(place.startswith(name) for name in given for place in places)
                reason = COMMAND_LINE if typed else reason_of(reasons, stage, config.kind, because)
                yield Departure(stage, key, was, nearest(sources, key), now, reason)


def reference_overrides(composed: Composed) -> list[str]:
    """The overrides, but for the group that the reference chooses and values that it may set.

    In the same world, so that what is compared are the numbers of the same stages.
    """
    set_there = {REFERENCE.partition("=")[0], "world", *_groups_of_stages(composed)}
    kept = []
    for override in composed.overrides:
        key = override.lstrip("+~").partition("=")[0]
        head, _, rest = key.partition(".")
        stage = composed.stages.get(rest.partition(".")[0]) if head == "stages" else None
        section = composed.root.get(head)  # dials that stages refer to have sources, too
        dial = isinstance(section, Mapping) and "sources" in section
        sourced = dial or ("@" not in key and bool(getattr(stage, "sources", None)))
        if head not in set_there and not sourced:
            kept.append(override)
    world = composed.choices.get("world")
    return [*kept, REFERENCE, *([f"world={world}"] if world else [])]


def _with_its_algorithm(reference: Any, config: Any) -> Any:
    """The reference's stage with the algorithm of this one, which may bring other numbers."""
    if not isinstance(config, RLConfig):
        return reference
    return settled(dataclasses.replace(reference, algorithm=config.algorithm))


def _groups_of_stages(composed: Composed) -> set[str]:
    """The groups at the root that stages take settings from, such as `algorithm`."""
    return {
        field.metadata["root"]
        for stage in composed.stages.values()
        for field in dataclasses.fields(stage)
        if "root" in field.metadata and dataclasses.is_dataclass(getattr(stage, field.name))
    }
