"""Everything a command looks at: the composed config, its graph, the store, the facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import checks
from pipeline.compose import Composed
from pipeline.disk import require_no_file
from pipeline.errors import UsageError
from pipeline.graph import Graph, Selection, build, select
from pipeline.plan import StageFacts, Wanted, look, wanted
from pipeline.project import Project
from pipeline.store import Store


@dataclass(frozen=True)
class Paths:
    """Where a project's results are: `paths` of the config."""

    store: Path
    runs: Path
    adopt: tuple[Path, ...]


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
    graph = build(composed.stages, project.kinds())
    problems = checks.problems(graph, composed.root)
    checks.refuse(problems)
    selection = select(graph, composed.root.get("until"), composed.root.get("only"))
    paths = paths_of(composed.root, project.conf_dir().parent)
    store = Store(paths.store, paths.adopt)
    results = wanted(graph, store.digests)
    facts = {name: look(store, name, results[name].fingerprint) for name in graph.nodes}
    store.save_caches()
    return Situation(project, composed, paths, graph, selection, store, results, facts, problems)


def paths_of(root: Mapping[str, Any], home: Path) -> Paths:
    """Results go below the working directory; what ships lies beside the configuration."""
    paths = root.get("paths") or {}
    for key in ("store", "runs"):
        if not paths.get(key):
            raise UsageError(f"paths.{key}: no value. Set it, e.g. `paths.{key}=outputs/{key}`.")
        require_no_file(Path(paths[key]).absolute(), f"paths.{key}")
    adopt = tuple(home / folder for folder in paths.get("adopt") or ())
    return Paths(Path(paths["store"]), Path(paths["runs"]), adopt)
