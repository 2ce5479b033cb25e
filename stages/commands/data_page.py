"""`r1 plan --data`: what fills the slots of a recipe, as the data section of a paper tells it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.compose import Composed
from pipeline.graph import Graph, build
from pipeline.kinds import Stage
from pipeline.project import Project
from pipeline.stage_rows import filled
from stages.settings.about import About

UNKNOWN = "–"
HEAD = ("set", "rows", "MB", "languages", "licence", "takes part in")


@dataclass(frozen=True)
class Part:
    """What a stage takes of a source, and of all that it takes with it: a share, or rows."""

    stage: str
    name: str
    share: float | None
    rows: int | None

    def told(self) -> str:
        most = f"at most {self.rows:,}" if self.rows is not None else ""
        share = f"share {self.share:g}" if self.share is not None else ""
        return f"{self.stage}: {', '.join(filter(None, (self.name, share, most)))}"


@dataclass(frozen=True)
class Source:
    """A stage that brings rows or weights in: where from, what is known, what takes them."""

    stage: str
    produces: str
    origin: str
    revision: str | None
    about: About
    parts: list[Part]


def plan_data(project: Project, composed: Composed, form: str) -> int:
    """The command: as `json`, as `markdown`, or as `text`. Returns the exit code."""
    found = sources(build(composed.stages, project.kinds(), composed.root), composed.root)
    if form == "json":
        told = {slot: [asdict(source) for source in own] for slot, own in found.items()}
        print(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        print("\n".join(_markdown(found) if form == "markdown" else _text(found)))
    return 0


def sources(graph: Graph, root: Mapping[str, Any]) -> dict[str, list[Source]]:
    """What brings rows or weights in, by the slot that it fills; else by its own name."""
    slots = [(slot, set(_before(graph, own))) for slot, own in root.get("slots", {}).items()]
    found: dict[str, list[Source]] = {}
    for name, stage in graph.stages.items():
        if stage.kind.origin and (origin := stage.kind.origin(stage)):
            filled_ = [slot for slot, own in slots if name in own] or [name]
            for slot in filled_:
                found.setdefault(slot, []).append(_source(stage, origin, graph))
    return found


def _before(graph: Graph, names: list[str]) -> Iterator[str]:
    """These stages and those whose rows they pass on; what they only look at is none."""
    for name in names:
        yield name
        passed = graph.stages[name].inputs.get("data_from", ())
        yield from _before(graph, [source.name for source in passed])


def _source(stage: Stage, origin: str, graph: Graph) -> Source:
    config = stage.config
    about = getattr(config, "about", None) or About()
    revision = getattr(config, "revision", None)
    return Source(
        stage.name, stage.kind.produces, origin, revision, about, list(_parts(stage.name, graph))
    )


def _parts(source: str, graph: Graph) -> Iterator[Part]:
    for name, stage in graph.stages.items():
        for part, said in (getattr(stage.config, "parts", None) or {}).items():
            if source in said.stages:
                yield Part(name, part, said.share, said.rows)


def _text(found: Mapping[str, list[Source]]) -> Iterator[str]:
    for slot, own in found.items():
        yield slot
        for source in own:
            yield from filled([source.origin], "", f"  {source.stage}: ")
            if known := _known(source):
                yield from filled(known, " · ", "      ")
            for defect in source.about.defects:
                yield from filled([defect], "", "      ! ")


def _known(source: Source) -> list[str]:
    about = source.about
    return [
        *([about.licence] if about.licence else []),
        *([f"{about.rows:,} rows"] if about.rows is not None else []),
        *([f"{about.megabytes:,.0f} MB"] if about.megabytes is not None else []),
        *([", ".join(about.languages)] if about.languages else []),
        *([f"revision {source.revision[:12]}"] if source.revision else []),
        *(part.told() for part in source.parts),
    ]


def _markdown(found: Mapping[str, list[Source]]) -> Iterator[str]:
    for slot, own in found.items():
        yield f"## {slot}\n"
        yield f"| {' | '.join(HEAD)} |"
        yield f"|{'---|' * len(HEAD)}"
        for source in own:
            yield f"| {' | '.join(_cells(source))} |"
        yield ""
        for source in own:
            for defect in source.about.defects:
                yield f"- {source.stage}: {defect}"
        yield ""


def _cells(source: Source) -> list[str]:
    about = source.about
    return [
        f"{source.stage}: {source.origin}",
        UNKNOWN if about.rows is None else f"{about.rows:,}",
        UNKNOWN if about.megabytes is None else f"{about.megabytes:,.0f}",
        ", ".join(about.languages) or UNKNOWN,
        about.licence or UNKNOWN,
        "; ".join(part.told() for part in source.parts) or UNKNOWN,
    ]
