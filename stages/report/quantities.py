"""The quantities that claims compare, resolved from the evidence to bootstrap draws.

{stage, metric, group|domain|language}        mean over held-out problems
{stage, minus, metric, …}                     its difference to another stage: a gain
{stage, curve, part: first|last, fraction}    mean over the first or last steps of training
{stage, budget: smallest|largest|slope}       accuracy under a thinking budget
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from pipeline import statistics
from pipeline.errors import UsageError
from pipeline.over_seeds import OverSeeds, over_seeds
from pipeline.statistics import Array, Bootstrap, Draws
from stages.report.evidence import Evidence, Missing

PARTS = ("first", "last")
BUDGETS = ("smallest", "largest", "slope")


@dataclass(frozen=True)
class Quantity:
    """One side of a check; exactly one of metric, curve and budget is set."""

    stage: str
    metric: str | None = None
    minus: str | None = None
    group: str | None = None
    domain: str | None = None
    language: str | None = None
    curve: str | None = None
    part: str | None = None
    fraction: float | None = None
    budget: str | None = None

    @property
    def unit(self) -> str:
        """What the bootstrap resamples."""
        return "steps" if self.curve else "problems"

    @property
    def where(self) -> dict[str, str]:
        """Which problems it is about."""
        named = {"group": self.group, "domain": self.domain, "language": self.language}
        return {column: value for column, value in named.items() if value is not None}

    @property
    def stages(self) -> list[str]:
        """The stages whose evidence it needs."""
        return [self.stage, *([self.minus] if self.minus else [])]


def read_quantity(config: Mapping[str, Any], key: str) -> Quantity:
    """A quantity from its config; `key` names the place in a message."""
    known = {field.name for field in fields(Quantity)}
    if unknown := set(config) - known:
        raise UsageError(f"{key}: unknown {sorted(unknown)}; a quantity has {sorted(known)}")
    if "stage" not in config or sum(name in config for name in ("metric", "curve", "budget")) != 1:
        raise UsageError(f"{key}: needs `stage` and one of `metric`, `curve`, `budget`")
    quantity = Quantity(**config)
    if quantity.curve and (quantity.part not in PARTS or not quantity.fraction):
        raise UsageError(f"{key}: a curve needs `part` ({' or '.join(PARTS)}) and `fraction`")
    if quantity.budget and quantity.budget not in BUDGETS:
        raise UsageError(f"{key}.budget: {quantity.budget!r} is none of {', '.join(BUDGETS)}")
    return quantity


@dataclass(frozen=True)
class Worlds:
    """The problems on which every side of a check has a value, resampled together: paired."""

    ids: Sequence[str]
    counts: Array

    @classmethod
    def of(
        cls, seeds: Sequence[Evidence], sides: Sequence[Quantity], bootstrap: Bootstrap
    ) -> Worlds:
        """Of all seeds together. Raises Missing when there are too few such problems."""
        tables = [
            (evidence.problems(stage), metric, side)
            for evidence in seeds
            for side in sides
            for stage, metric in _columns(evidence, side)
        ]
        per_table = [table.ids(side.where) for table, _, side in tables]
        shared = set(per_table[0]).intersection(*per_table[1:])
        ids = [id_ for id_ in per_table[0] if id_ in shared]
        known = np.ones(len(ids), dtype=bool)
        for table, metric, _ in tables:
            known &= ~np.isnan(table.values(metric, ids))
        kept = [id_ for id_, there in zip(ids, known, strict=True) if there]
        if len(kept) < bootstrap.smallest:
            raise Missing(f"{len(kept)} problems have all values, fewer than {bootstrap.smallest}")
        return cls(kept, statistics.resampling_counts(len(kept), bootstrap))

    def mean(self, evidence: Evidence, stage: str, metric: str) -> Draws:
        """The stage's mean of the metric over these problems."""
        values = evidence.problems(stage).values(metric, self.ids)
        return statistics.mean_of_problems(values, self.counts)


def with_evidence(
    seeds: Sequence[Evidence], sides: Sequence[Quantity]
) -> tuple[list[Evidence], dict[int, Missing]]:
    """The seeds that have all that these quantities need, and why the others have not."""
    there, absent = [], {}
    for evidence in seeds:
        try:
            for side in sides:
                _require(evidence, side)
            there.append(evidence)
        except Missing as missing:
            absent[evidence.seed] = missing
    return there, absent


def difference(
    seeds: Sequence[Evidence], left: Quantity, right: Quantity | None, bootstrap: Bootstrap
) -> OverSeeds:
    """left − right (or left alone), from the same worlds where both are about problems."""
    sides = [side for side in (left, right) if side is not None]
    over_problems = [side for side in sides if not side.curve]
    worlds = Worlds.of(seeds, over_problems, bootstrap) if over_problems else None
    streams = iter(range(len(seeds) * len(sides)))
    found = {}
    for evidence in seeds:
        draws = [_resolve(evidence, side, worlds, bootstrap, next(streams)) for side in sides]
        found[evidence.seed] = draws[0] - draws[1] if right is not None else draws[0]
    return over_seeds(found)


def _require(evidence: Evidence, side: Quantity) -> None:
    """Raise Missing where a seed lacks what a quantity is read from."""
    if side.curve:
        evidence.curve(side.stage)
        return
    for stage, metric in _columns(evidence, side):
        evidence.problems(stage).values(metric, ())


def _resolve(
    evidence: Evidence, side: Quantity, worlds: Worlds | None, bootstrap: Bootstrap, stream: int
) -> Draws:
    if side.curve:
        return _of_curve(evidence, side, bootstrap, stream)
    assert worlds is not None
    if side.budget:
        return _of_budget(evidence, side, worlds)
    assert side.metric is not None
    draws = worlds.mean(evidence, side.stage, side.metric)
    if side.minus:
        draws -= worlds.mean(evidence, side.minus, side.metric)
    return draws


def _of_curve(evidence: Evidence, side: Quantity, bootstrap: Bootstrap, stream: int) -> Draws:
    assert side.curve is not None
    assert side.fraction is not None
    curve = evidence.curve(side.stage)
    steps, values = curve.series(side.curve)
    # A share of the stage's steps, not of the points: a reward term may act for a while only.
    ordered = [step for step in curve.points if step]  # 0: before training, of validation alone
    count = math.ceil(side.fraction * len(ordered))
    wanted = ordered[:count] if side.part == "first" else ordered[-count:]
    part = values[np.isin(steps, wanted)]
    if len(part) < bootstrap.smallest:
        raise Missing(
            f"the curve {side.curve} of {side.stage} has {len(values)} points, "
            f"its {side.part} part {len(part)}, fewer than {bootstrap.smallest}"
        )
    if bad := int((~np.isfinite(part)).sum()):
        raise Missing(
            f"the curve {side.curve} of {side.stage} has {bad} values that are no finite numbers "
            f"in its {side.part} part"
        )
    return statistics.mean_of_steps(part, bootstrap, stream)


def _of_budget(evidence: Evidence, side: Quantity, worlds: Worlds) -> Draws:
    budgets = _budgets(evidence, side)
    draws = [worlds.mean(evidence, side.stage, f"budget/{budget}") for budget in budgets]
    if side.budget == "slope":
        doublings = np.log2(1 + np.array(budgets, dtype=np.float64))  # 0: no thinking
        return statistics.slope(doublings, draws)
    return draws[0]


def _budgets(evidence: Evidence, side: Quantity) -> list[int]:
    """The budgets that a side of a check is about."""
    budgets = evidence.budgets(side.stage)
    if len(budgets) < 2:
        raise Missing(f"{side.stage} was evaluated under {len(budgets)} thinking budgets, not 2")
    if side.budget == "slope":
        return budgets
    return budgets[:1] if side.budget == "smallest" else budgets[-1:]


def _columns(evidence: Evidence, side: Quantity) -> list[tuple[str, str]]:
    """The stages and their columns of problems that a side of a check reads."""
    if side.budget:
        return [(side.stage, f"budget/{budget}") for budget in _budgets(evidence, side)]
    return [(stage, side.metric or "") for stage in side.stages]
