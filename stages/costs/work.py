"""What a stage does, as its kind says: completions drawn, passes made, rows handled, weights held.

A kind's `work` (stages/kinds/*/work.py) turns a composed stage into this. It knows neither machine
nor time. Lengths and shares that only a run would tell are the assumptions of conf/cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist
from typing import Any

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.shapes import Shape

FORWARD, BACKWARD = 2.0, 4.0  # FLOPs per active parameter and token


@dataclass(frozen=True)
class Assumed:
    """`cost` of the composed config: conf/cost/default.yaml says what each is."""

    length_share: float
    length_sigma: float
    prompt_share: float
    row_share: float
    silent: float
    accepted: float
    proved: float
    clean: float
    general: float
    file_rows: int
    token_bytes: float

    def longest(self, mean: float, limit: float, count: float) -> float:
        """The longest of `count` lengths, log-normal around their mean, cut at the limit."""
        if count <= 1:
            return min(limit, mean)
        top = NormalDist().inv_cdf(1 - 1 / (count + 1))
        return min(limit, mean * math.exp(self.length_sigma * (top - self.length_sigma / 2)))


@dataclass(frozen=True)
class Engine:
    """How completions are generated: `rollout` of a stage, as far as time and memory go.

    weights: bytes of a parameter while it generates. beside: the engine shares its devices with a
    model in training, whose weights a transformers engine takes as they are, and whose memory
    vLLM leaves while that trains. own: devices that it has alone, in place of sharing.
    """

    name: str
    batch_tokens: int
    tensor_parallel: int = 1
    utilization: float = 0.9
    most_tokens: int | None = None  # of a sequence
    cache_gib: float | None = None
    weights: int = shapes.BF16
    beside: bool = False
    own: int = 0


@dataclass(frozen=True)
class Draw:
    """Completions: `rounds` times `sequences` of them, each round waiting for its longest.

    prompts: distinct ones of a round. mean, limit: tokens of a completion. shards: a round is one
    engine's, so that engines have rounds of their own; else it is spread over all.
    """

    phase: str
    model: Shape
    engine: Engine
    sequences: float
    prompt: float
    mean: float
    longest: float
    limit: int
    prompts: float
    rounds: float = 1.0
    shards: bool = False

    @property
    def tokens(self) -> float:
        return self.rounds * self.sequences * self.mean

    @property
    def read(self) -> float:
        return self.rounds * self.prompts * self.prompt


@dataclass(frozen=True)
class Passes:
    """Forward passes, and backward ones: `tokens` in all, in sequences of `length`.

    units: FLOPs per active parameter and token. attention: how often a token's scores are computed
    (1 forward, 3 with backward, 4 with recomputation). calls: passes in all, of all processes.
    updates: optimiser steps. weights: bytes of
    a parameter of a model that only reads.
    """

    phase: str
    model: Shape
    tokens: float
    length: float
    units: float
    calls: float
    updates: float = 0.0
    attention: float = 1.0
    weights: int = shapes.FP32

    @property
    def reads(self) -> bool:
        return self.units <= FORWARD

    @property
    def flops(self) -> float:
        look_back = self.model.attention_flops(self.length / 2) * self.attention
        return self.tokens * (self.units * self.model.active + look_back)


@dataclass(frozen=True)
class Handled:
    """Rows that a CPU reads, judges or writes."""

    rows: float
    phase: str


Task = Draw | Passes | Handled

#: The phases, as stages tell them when they ran.
ROLLOUT, REWARD, TRAIN, VALIDATION, ROWS = "rollout", "reward", "train", "validation", "rows"


#: The strategy of a program that shares everything out over its devices (elsewhere.py).
SHARED_OUT = "shared out"


@dataclass(frozen=True)
class Trained:
    """What a stage that trains holds on a device.

    longest: tokens of the longest row. logits: whether a pass has all logits of its rows at once;
    logits_with_gradient: and their gradients. frozen: models beside it in fp32, as the reference.
    others: reward models or a teacher, with the bytes of a parameter.
    """

    model: Shape
    strategy: str
    longest: int
    micro_batch: int
    bf16: bool
    checkpointing: bool
    rank: int | None = None  # of adapters
    frozen: int = 0
    critic: bool = False
    others: tuple[tuple[Shape, int], ...] = ()
    logits: bool = False
    logits_with_gradient: bool = False
    chunk_logits: float = math.inf  # that a pass has at a time, at most
    gathers: bool = False  # whole weights and a whole reference, for a rollout
    stage: int = 0  # of ZeRO
    context: int = 1  # devices that a sequence is cut over


@dataclass(frozen=True)
class Disk:
    """Bytes of a result, and of checkpoints until there is one."""

    published: float = 0.0
    scratch: float = 0.0


@dataclass(frozen=True)
class Work:
    """All that a stage does. rows, row_tokens: what it hands on. counted: FLOPs of compute.py.

    starts: of the program that runs it.
    """

    rows: float = 0.0
    row_tokens: float = 0.0
    tasks: tuple[Task, ...] = ()
    trained: Trained | None = None
    counted: float = 0.0
    disk: Disk = field(default_factory=Disk)
    light: bool = False
    starts: int = 1
    overlaps: bool = False  # a rollout is drawn while the one before is learnt
    unknown: tuple[str, ...] = ()  # models whose shape nobody knows


@dataclass
class Known:
    """What the works of stages may ask: each other, models, assumptions, what finished stages told.

    facts: of the manifests of results that are there, by stage.
    """

    root: Mapping[str, Any]
    assumed: Assumed
    work_of: Callable[[Stage, Known], Work]
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _works: dict[str, Work] = field(default_factory=dict)

    def work(self, stage: Stage) -> Work:
        if stage.name not in self._works:
            self._works[stage.name] = self.work_of(stage, self)
        return self._works[stage.name]

    def rows(self, stage: Stage) -> float:
        """What a stage hands on: as it told, else as it is expected to."""
        told = self.facts.get(stage.name, {}).get("rows")
        return float(told) if told else self.work(stage).rows

    @cached_property
    def prompt(self) -> float:
        """Mean tokens of a prompt."""
        return self.assumed.prompt_share * float(self.root["size"]["prompt"])

    @cached_property
    def row(self) -> float:
        """Mean tokens of a row that nobody counted."""
        return self.assumed.row_share * float(self.root["size"]["row"])

    def length(self, stage: Stage, limit: float) -> float:
        """Mean tokens of a stage's completions."""
        told = getattr(stage.config, "length_share", None)
        return limit * (self.assumed.length_share if told is None else told)


def assumed(root: Mapping[str, Any]) -> Assumed:
    """The assumptions of a composed config."""
    return Assumed(**{key: value for key, value in root["cost"].items() if key != "sources"})
