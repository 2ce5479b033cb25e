"""What the engine knows of a kind of stage: its config, its edges, its result, where its code is.

The engine imports no stage. A package of stages registers a `Kind` per kind of stage, with the
dotted name of the function that runs it; only the stage's own process imports that function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class EdgeRule:
    """What one edge of a kind accepts.

    `types` are artifact types. `required` types must each come in at least once; `at_least` and
    `at_most` bound the number of stages on the edge (None: any number). `identity` is False where
    the stage only looks at what comes in and its result would be the same without it.
    """

    types: frozenset[str]
    required: frozenset[str] = frozenset()
    at_least: int = 0
    at_most: int | None = None
    identity: bool = True


@dataclass(frozen=True)
class Stage:
    """One stage as it was composed, for its kind's check.

    inputs: the stages on its edges, by edge, each with its own inputs. root: the whole config.
    """

    name: str
    kind: Kind
    config: Any
    inputs: Mapping[str, tuple[Stage, ...]]
    root: Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """Why a stage cannot work as it was composed: the key, what is wrong, a value that works.

    key: below the stage, e.g. "sampling.max_tokens". when_run: `r1 plan` may show the recipe, with
    a warning; only running the stage is refused. when_used: as well as running anything that goes
    back to its result, should that be there from before. only_said: nothing is refused; `r1 plan`
    says it.
    """

    key: str
    text: str
    when_run: bool = False
    when_used: bool = False
    only_said: bool = False


@dataclass(frozen=True)
class Needs:
    """What a stage wants of a machine.

    processes: of its gang; None: one for each device. devices: None: a share of what there is.
    each: devices come in multiples of it. divides: the number of processes must divide this one.
    """

    processes: int | None = 1
    devices: int | None = 0
    each: int = 1
    divides: int | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of stage.

    entry: "package.module:function", called as `function(config, inputs, context) -> Outputs`.
    version: raised by hand when the code changes what the stage produces; part of the fingerprint.
    derive: "package.module:function", called as `function(config, inputs) -> dict[str, int | str]`
        for the plan's derived numbers (must not import torch), or None. `config` is plain data,
        `inputs` maps the stages on its edges that are done to their artifacts.
    origin: "package.module:function", called as `function(config) -> str` (must not import torch):
        where the rows or weights come from that the stage brings in itself, for the plan; empty if
        it brings none.
    settle: "package.module:function", called as `function(name, stages, overrides) -> config` with
        the configs of all stages and the overrides when they are composed (must not import torch):
        the stage's config with what follows from other stages'; None: it is as it was written.
    check: "package.module:function", called as `function(stage) -> Iterable[Problem]` with a Stage
        when the graph is composed (must not import torch), or None.
    gate: "package.module:function", called as `function(config, facts) -> Iterable[Problem]` with
        the config as it stands now and the facts of a finished result (must not import torch): why
        no other stage may use it. Config fields that only the gate reads stay outside the
        identity, so that a lowered gate makes nothing again.
    needs: "package.module:function", called as `function(config) -> Needs`: the processes
        and accelerators of a stage (must not import torch); None: one process, no accelerator.
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
    derive: str | None = None
    origin: str | None = None
    settle: str | None = None
    check: str | None = None
    gate: str | None = None
    needs: str | None = None
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
