"""What the engine knows of a kind of stage: its config, its edges, its result, where its code is.

The engine imports no stage. A package of stages registers a `Kind` per kind of stage, with the
dotted name of the function that runs it; only the stage's own process imports that function.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.artifact import Artifact


@dataclass(frozen=True)
class Takes:
    """How many stages of some types an edge takes, all of these types together. most None: any."""

    types: frozenset[str]
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class EdgeRule:
    """What one edge of a kind accepts.

    takes: the types, each in one of them, and how many; so a stage counts none of its inputs.
    identity: False where the stage only looks at what comes in and its result would be the same
    without it.
    """

    takes: tuple[Takes, ...]
    identity: bool = True

    @property
    def types(self) -> frozenset[str]:
        """All that may come in."""
        return frozenset[str]().union(*(one.types for one in self.takes))


@dataclass(frozen=True)
class Edge:
    """One input of a stage. key: where the config says so, e.g. `stages.NAME.EDGE[0]`."""

    name: str
    stage: str
    key: str


@dataclass(frozen=True)
class Stage:
    """One stage as it was composed and settled: what every hook of its kind takes.

    inputs: the stages on its edges, by edge, each with its own inputs. root: the whole config.
    edges: its inputs as the config names them, in config order.
    """

    name: str
    kind: Kind
    config: Any
    inputs: Mapping[str, tuple[Stage, ...]]
    root: Mapping[str, Any]
    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Why a stage cannot work as it was composed: the key, what is wrong, a value that works.

    key: below the stage, e.g. "sampling.max_tokens". when_run: `r1 plan` may show the recipe, with
    a warning; only running the stage is refused. only_said: nothing is refused; `r1 plan` says it.
    """

    key: str
    text: str
    when_run: bool = False
    only_said: bool = False


@dataclass(frozen=True)
class Needs:
    """What a stage wants of a machine.

    processes: of its gang; None: one for each device. devices: None: a share of what there is.
    each: devices come in multiples of it. divides: the number of processes must divide this one.
    beside: devices that are no process's; `devices` has them, too.
    engine_nodes: further nodes that hold engines alone (Kind.engines). engine_devices: of each
    engine there.
    """

    processes: int | None = 1
    devices: int | None = 0
    each: int = 1
    divides: int | None = None
    beside: int = 0
    engine_nodes: int = 0
    engine_devices: int = 1


@dataclass(frozen=True)
class Kind:
    """One kind of stage.

    entry: "package.module:function", called as `function(config, inputs, context) -> Outputs`.
    version: raised by hand when the code changes what the stage produces; part of the fingerprint.

    The hooks are functions of the stage that import no torch; None: there is nothing to say.
    settle: with the keys of the stage that the command line sets: its config with what follows from
        other keys and other stages. What it returns is the config everywhere from then on.
    check: what cannot work as the stage was composed.
    numbers: with the inputs that are done, by stage: what follows from them, for the plan. What
        depends on rows that do not exist yet is left out, never guessed.
    needs: its processes and accelerators; None: one process, no accelerator.
    origin: in words, where the rows or weights come from that it brings in itself; may be empty.
    gate: with the facts of a finished result: why no other stage may use it. Config fields that
        only the gate reads stay outside the identity, so that a lowered gate makes nothing again.
    engines: "package.module:function", called as `function(config, lending)` on nodes that hold
        engines for a stage of this kind, until `lending.over()` (pipeline/engine_nodes.py).
    work: "package.module:function", what a stage does in the terms of a project's own pages
        (Project.plans); the engine only hands it on. Imported when a page asks.

    light: its entry imports none of the heavy modules that the launcher preloads, so that its
        stages need not wait for them.
    sources: files or folders, relative to the folder of the entry's package, that the entry uses
        beside what its import statements reach. The manifest keeps a digest of them all, so that
        a change without a new version is reported.
    """

    name: str
    version: int
    config: type
    produces: str
    entry: str
    edges: Mapping[str, EdgeRule] = field(default_factory=dict)
    settle: Callable[[Stage, Collection[str]], Any] | None = None
    check: Callable[[Stage], Iterable[Problem]] | None = None
    numbers: Callable[[Stage, Mapping[str, Artifact]], Mapping[str, int | str]] | None = None
    needs: Callable[[Stage], Needs] | None = None
    origin: Callable[[Stage], str] | None = None
    gate: Callable[[Stage, Mapping[str, Any]], Iterable[Problem]] | None = None
    engines: str | None = None
    work: str | None = None
    light: bool = False
    sources: tuple[str, ...] = ()


class Registry(dict[str, Kind]):
    """A project's kinds by name.

    edges: the names of all edges, in the order in which they are shown and make up an identity;
    also config keys of a stage.
    """

    def __init__(self, kinds: Iterable[Kind], edges: tuple[str, ...]) -> None:
        super().__init__((kind.name, kind) for kind in kinds)
        self.edges = edges


@dataclass(frozen=True)
class Outputs:
    """What a stage returns beside the files it wrote into `context.output`.

    facts: JSON-able numbers and words that the manifest keeps (counts, metrics).
    funnel: rows dropped by reason, in order, e.g. {"sampled": 800, "wrong": 120, "kept": 680}.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    funnel: Mapping[str, int] = field(default_factory=dict)
