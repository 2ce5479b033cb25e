"""Two runs held against each other: what differs in configuration, origin and every number.

Where both asked a model the same problems, a difference has a 95 % interval, paired by problem, as
between stages (comparison.py). Of other numbers it follows from the two intervals as if they were
independent (MOVER: Zou and Donner 2008, https://doi.org/10.1002/sim.3095), which is too wide where
they are not. Two runs are two seeds of training among many: that is in neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import hypot
from typing import Any

from pipeline.artifact import Artifact
from pipeline.statistics import Bootstrap
from stages.report import by_seed
from stages.report.evidence import Evidence, Missing
from stages.report.names import ACCURACY, GROUPS, ROWS
from stages.report.origins import commit, machine, short
from stages.report.quantities import Quantity, difference
from stages.report.runs import Run

ABSENT = None
#: Slices in an evaluation's facts → how claims name them.
SLICES = {"by_group": "group", "by_domain": "domain", "by_language": "language"}


def facts(old: Run, new: Run, bootstrap: Bootstrap) -> dict[str, Any]:
    """Everything that differs, as plain data; differences are new − old."""
    return {
        "runs": [old.name, new.name],
        "configuration": list(_configuration(old.config, new.config)),
        "origin": _origin(old, new),
        "stages": _stages(old, new),
        "claims": list(_claims(old, new)),
        "numbers": list(_numbers(old, new, bootstrap)),
        "seconds": list(_seconds(old, new)),
    }


def _configuration(old: Any, new: Any) -> Iterator[dict[str, Any]]:
    before, after = dict(_leaves(old)), dict(_leaves(new))
    for key in dict.fromkeys([*before, *after]):
        if before.get(key, ABSENT) != after.get(key, ABSENT) or (key in before) != (key in after):
            sides = {"old": before.get(key, ABSENT), "new": after.get(key, ABSENT)}
            yield {"key": key, **sides, "in_old": key in before, "in_new": key in after}


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys down to lists and plain values; a mapping without keys is a value."""
    if not isinstance(value, Mapping) or not value:
        yield key, value
        return
    for name, inner in value.items():
        yield from _leaves(inner, f"{key}.{name}" if key else str(name))


def _origin(old: Run, new: Run) -> list[dict[str, Any]]:
    """Machines and commits of both, and how long the runs took."""

    def said(run: Run, what: Any) -> str:
        return "; ".join(sorted({what(a.manifest) for a in run.artifacts.values()} - {""}))

    rows = [
        {"what": name, "old": said(old, what), "new": said(new, what)}
        for name, what in (("machines", machine), ("commits", _commit))
    ]
    told = [run.told.get("command") or "" for run in (old, new)]
    return [*rows, {"what": "command", "old": told[0], "new": told[1]}]


def _commit(manifest: Mapping[str, Any]) -> str:
    return short(commit(manifest))


def _stages(old: Run, new: Run) -> dict[str, list[str]]:
    """Stages of which both have the same result, another one, or of which one has none."""
    before, after = (_fingerprints(run) for run in (old, new))
    both = [name for name in after if name in before]
    return {
        "same": [name for name in both if before[name] == after[name]],
        "other": [name for name in both if before[name] != after[name]],
        "only_old": [name for name in before if name not in after],
        "only_new": [name for name in after if name not in before],
    }


def _fingerprints(run: Run) -> dict[str, str]:
    stages = run.told.get("stages") or {}
    return {name: stage["fingerprint"] for name, stage in stages.items() if stage.get("artifact")}


def _claims(old: Run, new: Run) -> Iterator[dict[str, Any]]:
    """Verdicts of both on each claim, by its number, and each check's difference in both."""
    before = {claim["id"]: claim for claim in old.facts["claims"]}
    after = {claim["id"]: claim for claim in new.facts["claims"]}
    for id_ in sorted({*before, *after}):
        sides = [side.get(id_) or {} for side in (before, after)]
        checks = [{check["says"]: check for check in side.get("checks", ())} for side in sides]
        yield {
            "id": id_,
            "statement": (sides[1] or sides[0])["statement"],
            "old": sides[0].get("verdict"),
            "new": sides[1].get("verdict"),
            "checks": [
                {"says": says, "old": _interval(checks[0], says), "new": _interval(checks[1], says)}
                for says in dict.fromkeys([*checks[0], *checks[1]])
            ],
        }


def _interval(checks: Mapping[str, Any], says: str) -> dict[str, Any] | None:
    check = checks.get(says)
    return (
        None if check is None else {k: check[k] for k in ("difference", "low", "high", "verdict")}
    )


def _numbers(old: Run, new: Run, bootstrap: Bootstrap) -> Iterator[dict[str, Any]]:
    """Every estimate of either that is not the same in both."""
    pairs = _Pairs(old, new, bootstrap)
    before, after = old.facts["stages"], new.facts["stages"]
    for stage in dict.fromkeys([*before, *after]):
        sides = before.get(stage, {}), after.get(stage, {})
        for key in dict.fromkeys([*sides[0], *sides[1]]):
            entries = [side.get(key) for side in sides]
            if entries[0] == entries[1]:
                continue
            row = {"stage": stage, "metric": key, "old": entries[0], "new": entries[1]}
            yield row | {"difference": None} | _difference(pairs, stage, key, entries)


def _difference(
    pairs: _Pairs, stage: str, key: str, entries: Sequence[Mapping[str, Any] | None]
) -> dict[str, Any]:
    """new − old with what interval there is; empty where one of them has no value."""
    old, new = entries
    if not old or not new or old["value"] is None or new["value"] is None:
        return {}
    difference = {"difference": new["value"] - old["value"]}
    return difference | (pairs.interval(stage, key) or apart(old, new))


def apart(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The interval of new − old of two independent estimates; empty where one has none."""
    if None in (old["low"], old["high"], new["low"], new["high"]):
        return {}
    value = new["value"] - old["value"]
    below = hypot(new["value"] - new["low"], old["high"] - old["value"])
    above = hypot(new["high"] - new["value"], old["value"] - old["low"])
    return {"low": value - below, "high": value + above, "paired": False}


def _seconds(old: Run, new: Run) -> Iterator[dict[str, Any]]:
    before, after = old.facts["seconds"], new.facts["seconds"]
    for stage in dict.fromkeys([*before, *after]):
        if before.get(stage) != after.get(stage):
            yield {"stage": stage, "old": before.get(stage), "new": after.get(stage)}


class _Pairs:
    """Intervals of differences on the problems that both runs asked."""

    def __init__(self, old: Run, new: Run, bootstrap: Bootstrap) -> None:
        sides = [list(by_seed(run.artifacts, run.config).values()) for run in (old, new)]
        as_many = len(sides[0]) == len(sides[1])
        self.seeds = [_Seed(*pair) for pair in zip(*sides, strict=True)] if as_many else []
        self.bootstrap = bootstrap

    def interval(self, stage: str, key: str) -> dict[str, Any]:
        """`low`, `high`, `n` and `difference` of new − old; empty where they cannot be paired."""
        where, _, metric = key.rpartition("/")
        if not _paired(where, metric):
            return {}
        try:
            facts = [seed.evaluation(stage).facts for seed in self.seeds]
            if not facts:
                return {}
            cut: dict[str, Any] = {
                SLICES[by]: where for by in SLICES if where in (facts[0].get(by) or ())
            }
            if where and not cut:
                return {}
            new, old = (Quantity(_named(stage, n), metric=metric, **cut) for n in (1, 0))
            both = [seed.evidence(number) for number, seed in enumerate(self.seeds)]
            found = difference(both, new, old, self.bootstrap)
        except Missing:
            return {}
        low, high = found.interval(self.bootstrap)
        return {"difference": found.value, "low": low, "high": high, "n": found.n, "paired": True}


class _Seed:
    """The evaluations of one seed of both runs, as if of models of one run."""

    def __init__(self, old: Mapping[str, Artifact], new: Mapping[str, Artifact]) -> None:
        self.sides = [Evidence(old), Evidence(new)]
        self.both = {
            f"eval_{_named(stage, number)}": _renamed(evidence.evaluation(stage), stage, number)
            for number, evidence in enumerate(self.sides)
            for stage in evidence.models()
        }

    def evidence(self, number: int) -> Evidence:
        return Evidence(self.both, number)

    def evaluation(self, stage: str) -> Artifact:
        """The new one; raises Missing where the old was asked other problems."""
        old, new = (side.evaluation(stage) for side in self.sides)
        if _problems(old) != _problems(new):
            raise Missing(f"{stage} was asked other problems in the two runs")
        return new


def _paired(where: str, metric: str) -> bool:
    """Accuracy of every slice, and of groups what the report's tables show: a bootstrap each."""
    return metric == ACCURACY or (where in GROUPS and metric in ROWS)


def _named(stage: str, number: int) -> str:
    return f"{('old', 'new')[number]} {stage}"


def _renamed(evaluation: Artifact, stage: str, number: int) -> Artifact:
    told = dict(evaluation.facts) | {"model": _named(stage, number)}
    return Artifact(evaluation.path, dict(evaluation.manifest) | {"facts": told})


def _problems(evaluation: Artifact) -> Sequence[str]:
    """The fingerprints of what it was asked: problems of other fingerprints may share ids."""
    inputs = evaluation.manifest.get("inputs") or ()
    return [given["fingerprint"] for given in inputs if given["edge"] == "data_from"]
