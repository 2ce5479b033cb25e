"""The graph of a recipe: stages as nodes, typed edges between them, order and subsets.

All that can be wrong with a recipe is found here, before anything runs: each message names the
config key, what was found there and what was expected.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import UsageError
from pipeline.kinds import Edge, EdgeRule, Kind, Registry, Stage
from pipeline.seeds import taken_from


class Graph:
    """A checked recipe: `stages` by name, in an order that can be run; `edges` of any kind."""

    def __init__(self, stages: Mapping[str, Stage], edges: tuple[str, ...]) -> None:
        self.edges = edges
        self.stages = {name: stages[name] for name in _ordered(stages)}

    def inputs(self, name: str) -> list[str]:
        """The stages that a stage takes from, each once."""
        return list(dict.fromkeys(edge.stage for edge in self.stages[name].edges))

    def needs(self, names: Iterable[str]) -> list[str]:
        """These stages and all that they need, in the order in which they can run."""
        needed: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting.extend(self.inputs(name))
        return [name for name in self.stages if name in needed]


@dataclass(frozen=True)
class Selection:
    """Which stages a command is about. `only`: inputs outside the selection are not run."""

    stages: tuple[str, ...]
    only: bool = False


def build(
    configs: Mapping[str, Any], registry: Registry, root: Mapping[str, Any] | None = None
) -> Graph:
    """The graph of stage configs (name → dataclass instance), checked. root: the whole config."""
    stages = stages_of(configs, registry, root)
    for stage in stages.values():
        _check_edges(stage, stages)
    return Graph(stages, registry.edges)


def stages_of(
    configs: Mapping[str, Any], registry: Registry, root: Mapping[str, Any] | None = None
) -> dict[str, Stage]:
    """Every stage with its inputs. Edges to nowhere or round in a circle, which `build` refuses,
    are left out."""
    stages: dict[str, Stage] = {}

    def stage_of(name: str, above: tuple[str, ...]) -> Stage:
        if name not in stages:
            config, here = configs[name], (*above, name)
            kind = _kind_of(name, config, registry)
            edges = _edges_of(name, config, registry.edges, configs)
            inputs = dict.fromkeys(registry.edges, tuple[Stage, ...]())
            for edge in edges:
                if edge.stage in configs and edge.stage not in here:
                    inputs[edge.name] += (stage_of(edge.stage, here),)
            stages[name] = Stage(name, kind, config, inputs, root or {}, edges)
        return stages[name]

    return {name: stage_of(name, ()) for name in configs}


def select(graph: Graph, until: Any = None, only: Any = None) -> Selection:
    """The stages that `until=` or `only=` ask for; neither means the whole recipe."""
    if until and only:
        raise UsageError("until= and only= exclude each other: give one of them.")
    if only:
        return Selection(_named(graph, "only", only), only=True)
    if until:
        return Selection(tuple(graph.needs(_named(graph, "until", until))))
    return Selection(tuple(graph.stages))


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """A hint for a mistyped name, then all that there is."""
    known = sorted(options)
    close = difflib.get_close_matches(word, known, n=2, cutoff=0.5)
    hint = f"Did you mean {' or '.join(f'`{c}`' for c in close)}? " if close else ""
    return f"{hint}There is: {', '.join(known) or 'nothing'}."


def _kind_of(name: str, config: Any, registry: Registry) -> Kind:
    if config.kind not in registry:
        raise UsageError(
            f"stages.{name}.kind: `{config.kind}` is no kind of stage. "
            f"{did_you_mean(config.kind, registry)}"
        )
    return registry[config.kind]


def _edges_of(
    name: str, config: Any, names: Iterable[str], stages: Mapping[str, Any]
) -> tuple[Edge, ...]:
    edges: list[Edge] = []
    for edge in names:
        value = getattr(config, edge, None)
        key = f"stages.{name}.{edge}"
        if isinstance(value, str):
            edges.append(Edge(edge, taken_from(name, value, stages), key))
        elif value:
            edges.extend(
                Edge(edge, taken_from(name, stage, stages), f"{key}[{i}]")
                for i, stage in enumerate(value)
            )
    return tuple(edges)


def _check_edges(stage: Stage, stages: Mapping[str, Stage]) -> None:
    for edge in stage.edges:
        if edge.stage not in stages:
            raise UsageError(
                f"{edge.key}: there is no stage `{edge.stage}` in this recipe. "
                f"{did_you_mean(edge.stage, stages)}"
            )
        if edge.name not in stage.kind.edges:
            raise UsageError(
                f"{edge.key}: a stage of kind `{stage.kind.name}` takes nothing by "
                f"`{edge.name}`, found `{edge.stage}`. It takes: {_list(stage.kind.edges)}."
            )
        _check_type(stage, edge, stages[edge.stage])
    for name, rule in stage.kind.edges.items():
        _check_rule(stage, name, rule, stages)


def _check_type(stage: Stage, edge: Edge, source: Stage) -> None:
    expected = stage.kind.edges[edge.name].types
    if source.kind.produces not in expected:
        raise UsageError(
            f"{edge.key}: found `{edge.stage}`, which produces `{source.kind.produces}` "
            f"(kind `{source.kind.name}`); expected {_list(expected)}."
        )


def _check_rule(stage: Stage, name: str, rule: EdgeRule, stages: Mapping[str, Stage]) -> None:
    for takes in rule.takes:
        edges = [edge.stage for edge in stage.edges if edge.name == name]
        found = [one for one in edges if stages[one].kind.produces in takes.types]
        key = f"stages.{stage.name}.{name}"
        if len(found) < takes.least:
            makers = [
                n.name for n in stages.values() if n.kind.produces in takes.types and n is not stage
            ]
            raise UsageError(
                f"{key}: a stage of kind `{stage.kind.name}` needs an input of type "
                f"{_list(takes.types)}, found {_list(edges)}. "
                f"Stages that produce it: {_list(makers)}."
            )
        if takes.most is not None and len(found) > takes.most:
            raise UsageError(
                f"{key}: found {len(found)} stages of type {_list(takes.types)} "
                f"({', '.join(found)}), expected at most {takes.most}."
            )


def _ordered(stages: Mapping[str, Stage]) -> list[str]:
    """Names in topological order, as close to the config's order as that allows."""
    order: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in order:
            return
        if name in above:
            cycle = [*above[above.index(name) :], name]
            raise UsageError(
                f"the stages make a cycle: {' ← '.join(cycle)} (each takes from the next). "
                f"Remove one of these edges from stages.{cycle[0]} … stages.{cycle[-2]}."
            )
        for edge in stages[name].edges:
            visit(edge.stage, (*above, name))
        order[name] = None

    for name in stages:
        visit(name, ())
    return list(order)


def _named(graph: Graph, key: str, value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else list(value)
    for name in names:
        if name not in graph.stages:
            raise UsageError(f"{key}={name}: no such stage. {did_you_mean(name, graph.stages)}")
    return tuple(name for name in graph.stages if name in names)


def _list(words: Iterable[str] | Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words)) or "nothing"
