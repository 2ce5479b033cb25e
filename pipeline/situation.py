"""Everything a command looks at: the composed config, its graph, the store, the facts."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import checks
from pipeline.artifact import Artifact
from pipeline.compose import Composed
from pipeline.disk import require_no_file
from pipeline.errors import UsageError
from pipeline.graph import Graph, Selection, build, did_you_mean, select
from pipeline.plan import StageFacts, Wanted, look, wanted
from pipeline.project import Project
from pipeline.remote.place import Place, is_url
from pipeline.seeds import asked_for
from pipeline.slots import stages_of
from pipeline.store import Store


@dataclass(frozen=True)
class Paths:
    """Where a project's results are: `paths` of the config."""

    store: Path
    runs: Path
    adopt: tuple[Path, ...]
    adopt_urls: tuple[Place, ...] = ()
    publish: Place | None = None


@dataclass(frozen=True)
class Situation:
    """What is wanted, and what is there."""

    project: Project
    composed: Composed
    paths: Paths
    graph: Graph
    selection: Selection
    store: Store
    wanted: Mapping[str, Wanted]
    facts: Mapping[str, StageFacts]
    problems: checks.Problems  # what only stands in the way of running a stage


def survey(project: Project, composed: Composed) -> Situation:
    """Build the graph and look at the store; raises UsageError for a wrong recipe."""
    if not composed.stages:
        raise UsageError("`stages` is empty: choose a recipe, e.g. `recipe=…`.")
    graph = build(composed.stages, project.kinds(), composed.root)
    problems = checks.problems(graph)
    checks.refuse(problems)
    slots = composed.root.get("slots", {})
    until, only = (
        asked_for(stages_of(composed.root.get(key), slots), graph.stages)
        for key in ("until", "only")
    )
    selection = select(graph, until, only)
    paths = paths_of(composed.root, project.conf_dir().parent)
    store = Store(paths.store, paths.adopt, paths.adopt_urls)
    results = wanted(graph, store.digests)
    facts = {name: look(store, name, results[name].fingerprint) for name in graph.stages}
    store.save_caches()
    return Situation(project, composed, paths, graph, selection, store, results, facts, problems)


def finished(verb: str, stage: str, types: Sequence[str], situation: Situation) -> Artifact:
    """The result of a stage that makes one of these types. Raises UsageError with the verb."""
    nodes = situation.graph.stages
    if stage not in nodes:
        raise UsageError(f"{verb} {stage}: no such stage. {did_you_mean(stage, nodes)}")
    made = nodes[stage].kind.produces
    if made not in types:
        raise UsageError(f"{verb} {stage}: it makes {made}, expected {' or '.join(types)}")
    artifact = situation.facts[stage].artifact
    if artifact is None:
        words = shlex.join(["r1", "run", f"until={stage}", *situation.composed.overrides])
        raise UsageError(f"{verb} {stage}: it has no result with this config yet: {words}")
    return artifact


def paths_of(root: Mapping[str, Any], home: Path) -> Paths:
    """Results go below the working directory; what ships lies beside the configuration."""
    paths = root.get("paths") or {}
    for key in ("store", "runs"):
        if not paths.get(key):
            raise UsageError(f"paths.{key}: no value. Set it, e.g. `paths.{key}=outputs/{key}`.")
        require_no_file(Path(paths[key]).absolute(), f"paths.{key}")
    adopt = [str(place) for place in paths.get("adopt") or ()]
    publish = paths.get("publish")
    return Paths(
        Path(paths["store"]),
        Path(paths["runs"]),
        adopt=tuple(home / folder for folder in adopt if not is_url(folder)),
        adopt_urls=tuple(Place("paths.adopt", url) for url in adopt if is_url(url)),
        publish=Place("paths.publish", str(publish)) if publish else None,
    )
