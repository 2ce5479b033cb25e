"""The paper's claims, judged: reproduced, not reproduced, undecided or not run, never tuned.

A check is a difference with its interval and the side of a margin where it must lie. A claim is
reproduced when all its checks hold, not reproduced when any is significantly contrary, otherwise
undecided: its numbers do not tell. It is not run when a stage that it asks about was not, and the
rest does not speak against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline import statistics
from pipeline.errors import UsageError
from pipeline.over_seeds import OverSeeds, over_seeds
from pipeline.statistics import Bootstrap, Draws
from stages.report.evidence import Evidence, Missing, NotRun
from stages.report.names import NOT_REPRODUCED, NOT_RUN, REPRODUCED, UNDECIDED
from stages.report.quantities import Quantity, Worlds, difference, read_quantity, with_evidence

RELATIONS = ("greater", "less")
ROUNDING = 1e-12  # of sums that are equal on paper: an interval of no width decides nothing


@dataclass(frozen=True)
class Check:
    """`left` − `right`, or the agreement of a table's stages with the paper's, against a margin."""

    says: str
    relation: str
    margin: float
    left: Quantity | None = None
    right: Quantity | None = None
    table: tuple[str, ...] = ()
    metric: str = ""

    @property
    def unit(self) -> str:
        return self.left.unit if self.left else "problems"

    @property
    def quantities(self) -> list[Quantity]:
        """All that it is read from."""
        if self.table:
            return [Quantity(stage, metric=self.metric) for stage in self.table]
        return [side for side in (self.left, self.right) if side]


@dataclass(frozen=True)
class Finding:
    """One check against this run's evidence; numbers are None where it was not measured.

    by_seed: the difference of each seed. seeds_needed: how few seeds would decide the check if it
    is as it looks; None of one seed, which does not tell, and where no number would. absent: the
    seeds that it could not be measured for, and why; the others are judged.
    """

    says: str
    verdict: str
    relation: str
    margin: float
    unit: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    reason: str = ""
    by_seed: Mapping[int, float] = field(default_factory=dict)
    seeds_needed: int | None = None
    absent: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """A claim with its verdict; `decisive` is the finding that the verdict rests on."""

    id: int
    statement: str
    source: str
    verdict: str
    findings: tuple[Finding, ...]

    @property
    def decisive(self) -> Finding:
        return next(f for f in self.findings if f.verdict == self.verdict)


def judge(claims: Mapping[str, Any], seeds: Sequence[Evidence]) -> list[Judgement]:
    """All claims of a claims config (see conf/claims/) against the evidence of all seeds."""
    bootstrap = Bootstrap(**claims["bootstrap"])
    paper = claims.get("paper") or {}
    return [_judge_claim(claim, seeds, bootstrap, paper) for claim in claims["claims"]]


def _judge_claim(
    claim: Mapping[str, Any],
    seeds: Sequence[Evidence],
    bootstrap: Bootstrap,
    paper: Mapping[str, Any],
) -> Judgement:
    checks = [
        read_check(check, f"claims.claims[{claim['id']}].checks[{number}]")
        for number, check in enumerate(claim["checks"])
    ]
    findings = tuple(_find(check, seeds, bootstrap, paper) for check in checks)
    verdict = _combine([finding.verdict for finding in findings])
    return Judgement(int(claim["id"]), claim["statement"], claim["source"], verdict, findings)


def read_check(config: Mapping[str, Any], key: str) -> Check:
    """A check from its config."""
    if config.get("relation") not in RELATIONS:
        raise UsageError(
            f"{key}.relation: {config.get('relation')!r} is none of {', '.join(RELATIONS)}"
        )
    if ("left" in config) == ("table" in config):
        raise UsageError(f"{key}: needs `left` (and maybe `right`) or `table`, and not both")
    return Check(
        says=config["says"],
        relation=config["relation"],
        margin=float(config.get("margin", 0.0)),
        left=read_quantity(config["left"], f"{key}.left") if "left" in config else None,
        right=read_quantity(config["right"], f"{key}.right") if "right" in config else None,
        table=tuple(config.get("table", ())),
        metric=config.get("metric", ""),
    )


def _find(
    check: Check, seeds: Sequence[Evidence], bootstrap: Bootstrap, paper: Mapping[str, Any]
) -> Finding:
    shared = (check.relation, check.margin, check.unit)
    there, absent = with_evidence(seeds, check.quantities)
    try:
        if not there:
            raise next(iter(absent.values()))
        if check.left:
            found = difference(there, check.left, check.right, bootstrap)
        else:
            found = _agreement(check, there, bootstrap, paper)
    except NotRun as missing:
        return Finding(check.says, NOT_RUN, *shared, reason=str(missing))
    except Missing as missing:
        return Finding(check.says, UNDECIDED, *shared, reason=f"not measured: {missing}")
    low, high = found.interval(bootstrap)
    several = len(there) > 1
    return Finding(
        check.says,
        decide(low, high, check.relation, check.margin),
        *shared,
        found.value,
        low,
        high,
        found.n,
        by_seed=found.by_seed,
        seeds_needed=found.seeds_needed(check.margin, bootstrap) if several else None,
        absent={seed: str(missing) for seed, missing in absent.items()},
    )


def decide(low: float, high: float, relation: str, margin: float) -> str:
    """Where the interval lies: wholly beyond the margin, wholly short of it, or across."""
    if relation == "less":
        low, high, margin = -high, -low, -margin
    if low > margin + ROUNDING:
        return REPRODUCED
    return NOT_REPRODUCED if high < margin - ROUNDING else UNDECIDED


def _combine(verdicts: Sequence[str]) -> str:
    for verdict in (NOT_REPRODUCED, NOT_RUN, UNDECIDED):
        if verdict in verdicts:
            return verdict
    return REPRODUCED


def seeds_needed(judgement: Judgement) -> int | None:
    """How few seeds would decide the claim, if all is as it looks.

    That any check is contrary takes the seeds of that one; that all hold those of every one. None:
    one seed does not tell, or no number of seeds would do.
    """
    measured = [finding for finding in judgement.findings if finding.difference is not None]
    contrary = [finding for finding in measured if not _looks_right(finding)]
    asked = contrary or (measured if len(measured) == len(judgement.findings) else [])
    known = [f.seeds_needed for f in asked if f.seeds_needed is not None]
    if contrary:
        return min(known, default=None)
    return max(known) if known and len(known) == len(asked) else None


def _looks_right(finding: Finding) -> bool:
    assert finding.difference is not None
    if finding.relation == "less":
        return finding.difference < finding.margin
    return finding.difference > finding.margin


def _agreement(
    check: Check, seeds: Sequence[Evidence], bootstrap: Bootstrap, paper: Mapping[str, Any]
) -> OverSeeds:
    """Mean over the paper's rows of Kendall's tau between the stages there and here."""
    groups = sorted({r["stands_for"] for r in paper["rows"].values() if r["stands_for"]})
    worlds = {}
    for group in groups:
        sides = [Quantity(stage, metric=check.metric, group=group) for stage in check.table]
        worlds[group] = Worlds.of(seeds, sides, bootstrap)
    return over_seeds({e.seed: _tau(check, e, worlds, paper) for e in seeds})


def _tau(
    check: Check, evidence: Evidence, worlds: Mapping[str, Worlds], paper: Mapping[str, Any]
) -> Draws:
    ours = {
        group: [own.mean(evidence, stage, check.metric) for stage in check.table]
        for group, own in worlds.items()
    }
    columns = [list(paper["stages"]).index(stage) for stage in check.table]
    return statistics.mean_of_draws(
        [
            statistics.kendall_tau([row["values"][c] for c in columns], ours[row["stands_for"]])
            for row in paper["rows"].values()
            if row["stands_for"]
        ]
    )
