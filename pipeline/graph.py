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
from pipeline.kinds import EdgeRule, Kind, Registry, Stage


@dataclass(frozen=True)
class Edge:
    """One input of a stage. key: where the config says so, e.g. `stages.NAME.EDGE[0]`."""

    name: str
    stage: str
    key: str


@dataclass(frozen=True)
class Node:
    """One stage of the recipe: its kind, its typed config, its inputs in config order."""

    name: str
    kind: Kind
    config: Any
    edges: tuple[Edge, ...]


class Graph:
    """A checked recipe: `nodes` by name, in an order in which they can run; `edges` of any kind.

    stages: the same with their inputs, for the hooks of their kinds.
    """

    def __init__(
        self, nodes: Mapping[str, Node], edges: tuple[str, ...], stages: Mapping[str, Stage]
    ) -> None:
        self.edges = edges
        self.nodes = {name: nodes[name] for name in _ordered(nodes)}
        self.stages = {name: stages[name] for name in self.nodes}

    def inputs(self, name: str) -> list[str]:
        """The stages that a stage takes from, each once."""
        return list(dict.fromkeys(edge.stage for edge in self.nodes[name].edges))

    def needs(self, names: Iterable[str]) -> list[str]:
        """These stages and all that they need, in the order in which they can run."""
        needed: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting.extend(self.inputs(name))
        return [name for name in self.nodes if name in needed]


@dataclass(frozen=True)
class Selection:
    """Which stages a command is about. `only`: inputs outside the selection are not run."""

    stages: tuple[str, ...]
    only: bool = False


def build(
    configs: Mapping[str, Any], registry: Registry, root: Mapping[str, Any] | None = None
) -> Graph:
    """The graph of stage configs (name → dataclass instance), checked. root: the whole config."""
    nodes = {
        name: Node(
            name, _kind_of(name, config, registry), config, _edges_of(name, config, registry.edges)
        )
        for name, config in configs.items()
    }
    for node in nodes.values():
        _check_edges(node, nodes)
    return Graph(nodes, registry.edges, stages_of(configs, registry, root))


def stages_of(
    configs: Mapping[str, Any], registry: Registry, root: Mapping[str, Any] | None = None
) -> dict[str, Stage]:
    """Every stage with its inputs. Edges to nowhere or round in a circle, which `build` refuses,
    are left out."""
    stages: dict[str, Stage] = {}

    def stage_of(name: str, above: tuple[str, ...]) -> Stage:
        if name not in stages:
            config, inputs = configs[name], dict[str, tuple[Stage, ...]]()
            for edge in registry.edges:
                value = getattr(config, edge, None) or ()
                sources = [value] if isinstance(value, str) else value
                there = [one for one in sources if one in configs and one not in (*above, name)]
                inputs[edge] = tuple(stage_of(one, (*above, name)) for one in there)
            stages[name] = Stage(name, registry[config.kind], config, inputs, root or {})
        return stages[name]

    for name in configs:
        stage_of(name, ())
    return stages


def select(graph: Graph, until: Any = None, only: Any = None) -> Selection:
    """The stages that `until=` or `only=` ask for; neither means the whole recipe."""
    if until and only:
        raise UsageError("until= and only= exclude each other: give one of them.")
    if only:
        return Selection(_named(graph, "only", only), only=True)
    if until:
        return Selection(tuple(graph.needs(_named(graph, "until", until))))
    return Selection(tuple(graph.nodes))


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


def _edges_of(name: str, config: Any, names: Iterable[str]) -> tuple[Edge, ...]:
    edges: list[Edge] = []
    for edge in names:
        value = getattr(config, edge, None)
        key = f"stages.{name}.{edge}"
        if isinstance(value, str):
            edges.append(Edge(edge, value, key))
        elif value:
            edges.extend(Edge(edge, stage, f"{key}[{i}]") for i, stage in enumerate(value))
    return tuple(edges)


def _check_edges(node: Node, nodes: Mapping[str, Node]) -> None:
    for edge in node.edges:
        if edge.stage not in nodes:
            raise UsageError(
                f"{edge.key}: there is no stage `{edge.stage}` in this recipe. "
                f"{did_you_mean(edge.stage, nodes)}"
            )
        if edge.name not in node.kind.edges:
            raise UsageError(
                f"{edge.key}: a stage of kind `{node.kind.name}` takes nothing by "
                f"`{edge.name}`, found `{edge.stage}`. It takes: {_list(node.kind.edges)}."
            )
        _check_type(node, edge, nodes[edge.stage])
    for name, rule in node.kind.edges.items():
        _check_rule(node, name, rule, nodes)


def _check_type(node: Node, edge: Edge, source: Node) -> None:
    expected = node.kind.edges[edge.name].types
    if source.kind.produces not in expected:
        raise UsageError(
            f"{edge.key}: found `{edge.stage}`, which produces `{source.kind.produces}` "
            f"(kind `{source.kind.name}`); expected {_list(expected)}."
        )


def _check_rule(node: Node, name: str, rule: EdgeRule, nodes: Mapping[str, Node]) -> None:
    for takes in rule.takes:
        edges = [edge.stage for edge in node.edges if edge.name == name]
        found = [stage for stage in edges if nodes[stage].kind.produces in takes.types]
        key = f"stages.{node.name}.{name}"
        if len(found) < takes.least:
            makers = [
                n.name for n in nodes.values() if n.kind.produces in takes.types and n is not node
            ]
            raise UsageError(
                f"{key}: a stage of kind `{node.kind.name}` needs an input of type "
                f"{_list(takes.types)}, found {_list(edges)}. "
                f"Stages that produce it: {_list(makers)}."
            )
        if takes.most is not None and len(found) > takes.most:
            raise UsageError(
                f"{key}: found {len(found)} stages of type {_list(takes.types)} "
                f"({', '.join(found)}), expected at most {takes.most}."
            )


def _ordered(nodes: Mapping[str, Node]) -> list[str]:
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
        for edge in nodes[name].edges:
            visit(edge.stage, (*above, name))
        order[name] = None

    for name in nodes:
        visit(name, ())
    return list(order)


def _named(graph: Graph, key: str, value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else list(value)
    for name in names:
        if name not in graph.nodes:
            raise UsageError(f"{key}={name}: no such stage. {did_you_mean(name, graph.nodes)}")
    return tuple(name for name in graph.nodes if name in names)


def _list(words: Iterable[str] | Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words)) or "nothing"
