"""Several seeds in one report: each and the whole, and what one of them lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.artifact import Artifact
from pipeline.statistics import Bootstrap
from stages import report
from stages.report.claims import judge
from stages.report.evidence import Evidence
from stages.report.over_seeds import estimates

BOOTSTRAP = {"draws": 1000, "seed": 0, "block": 3, "smallest": 8, "most_seeds": 40}
ABOVE = {
    "says": "new lies above old",
    "left": {"stage": "new", "metric": "pass_at_1"},
    "right": {"stage": "old", "metric": "pass_at_1"},
    "relation": "greater",
}
EASY = [0.2, 0.4, 0.6, 0.8] * 5
RUN = {"name": "r1-tiny"}


def claims_of(*checks: dict[str, Any]) -> dict[str, Any]:
    claim = {"id": 1, "statement": "it is so", "source": "nowhere", "checks": list(checks)}
    return {"bootstrap": BOOTSTRAP, "claims": [claim]}


def seeds_of(world: Any, *gains: float | None) -> dict[str, Artifact]:
    """`old` is the same for all seeds, `new` better by the gain of each; None: it failed."""
    world.add_evaluation("old", {"pass_at_1": EASY})
    found = dict(world.artifacts)
    for seed, gain in enumerate(gains):
        if gain is not None:
            own = type(world)(world.folder / str(seed))
            own.add_evaluation("new", {"pass_at_1": [value + gain for value in EASY]})
            found[f"eval_new@{seed}" if seed else "eval_new"] = own.artifacts["eval_new"]
    return found


def config_of(claims: dict[str, Any], seeds: list[int]) -> dict[str, Any]:
    names = ["eval_old", "eval_new", *(f"eval_new@{seed}" for seed in seeds[1:])]
    return {"claims": claims, "seeds": seeds, "stages": {name: {} for name in names}}


def check_of(world: Any, *gains: float | None) -> dict[str, Any]:
    artifacts = seeds_of(world, *gains)
    config = config_of(claims_of(ABOVE), list(range(len(gains))))
    found: dict[str, Any] = report.facts(artifacts, config)["claims"][0]["checks"][0]
    return found


def test_seeds_that_agree_decide_a_claim(world: Any) -> None:
    """Gains of 0.10, 0.11 and 0.12: 0.11 ± 4.30 * 0.01 / sqrt(3); of two 12.7 * 0.01 / sqrt(2)."""
    check = check_of(world, 0.10, 0.11, 0.12)
    assert check["verdict"] == "reproduced"
    assert check["by_seed"] == pytest.approx({"0": 0.10, "1": 0.11, "2": 0.12})
    assert (check["low"], check["high"]) == pytest.approx((0.085, 0.135), abs=0.002)
    assert check["seeds_needed"] == 2


def test_a_claim_that_one_seed_reproduces_is_undecided_where_others_differ(world: Any) -> None:
    """Gains of 0.3, 0.0 and -0.1 have a mean of 0.067 and lie 0.21 apart."""
    check = check_of(world, 0.3, 0.0, -0.1)
    assert check["verdict"] == "undecided"
    assert check["low"] < -0.4
    assert 35 < check["seeds_needed"] <= 40  # (1.96 * 0.208 / 0.067) ** 2 = 37.5, and t is wider


def test_where_no_number_of_seeds_would_do_none_is_named(world: Any) -> None:
    assert check_of(world, 0.3, 0.0, -0.29)["seeds_needed"] is None


def test_a_seed_that_failed_is_named_and_the_others_are_judged(world: Any, tmp_path: Path) -> None:
    artifacts = seeds_of(world, 0.10, None, 0.12)
    config = config_of(claims_of(ABOVE), [0, 1, 2])
    config["claims"] |= {"shown": SHOWN, "paper": {"stages": [], "rows": {}}}
    path = report.build(artifacts, config, tmp_path / "out", RUN)
    facts = json.loads((path.parent / "facts.json").read_text())
    check = facts["claims"][0]["checks"][0]
    assert check["verdict"] == "undecided"  # of two seeds the interval is wide
    assert list(check["by_seed"]) == ["0", "2"]
    assert check["absent"] == {"1": "new was not run"}
    assert facts["absent"] == {"1": ["eval_new"]}
    text = path.read_text()
    assert "**Seed 1 lacks eval_new**: failed or not run." in text
    assert "+0.100 – +0.120" in text


def test_a_claim_that_one_seed_alone_can_be_asked_about_is_judged_by_that_one(world: Any) -> None:
    check = check_of(world, None, 0.1, None)
    assert check["verdict"] == "reproduced"
    assert (check["seeds_needed"], list(check["absent"])) == (None, ["0", "2"])


def test_curves_of_seeds_have_worlds_of_their_own(world: Any) -> None:
    """Three trainings of the same curve: their spread is nothing, and their noise is averaged."""
    curve = [{"length": 10 + (step * 7) % 5} for step in range(40)]
    seeds = []
    for seed in range(3):
        own = type(world)(world.folder / str(seed))
        own.add_model("zero", curve)
        seeds.append(Evidence(own.artifacts, seed))
    side = {"stage": "zero", "curve": "length", "part": "last", "fraction": 0.5}
    check = {"says": "long", "left": side, "relation": "greater", "margin": 5.0}
    found = judge(claims_of(check), seeds)[0].findings[0]
    assert (found.difference, found.verdict) == (12.0, "reproduced")


def test_the_whole_and_each_seed_are_in_the_facts(world: Any) -> None:
    artifacts = seeds_of(world, 0.10, 0.14)
    facts = report.facts(artifacts, config_of(claims_of(ABOVE), [0, 1]))
    assert facts["stages"]["new"]["pass_at_1"]["value"] == pytest.approx(0.62)
    assert facts["stages"]["new"]["pass_at_1"]["by_seed"] == pytest.approx({"0": 0.6, "1": 0.64})
    assert facts["by_seed"]["1"]["stages"]["new"]["pass_at_1"]["value"] == pytest.approx(0.64)
    assert facts["by_seed"]["1"]["claims"][0]["verdict"] == "reproduced"
    assert facts["seeds"] == [0, 1]


def test_an_estimate_of_several_seeds_has_their_spread_in_its_interval() -> None:
    """0.5, 0.6 and 0.7, each ± 0.02: 4.30 * 0.1 / sqrt(3) = 0.248 of seeds, little of problems."""

    def measured(value: float) -> dict[str, Any]:
        entry = {"value": value, "low": value - 0.02, "high": value + 0.02, "n": 9}
        return {"r1": {"pass_at_1": entry}}

    by_seed = {seed: measured(value) for seed, value in enumerate((0.5, 0.6, 0.7))}
    entry = estimates(by_seed, Bootstrap(**BOOTSTRAP))["r1"]["pass_at_1"]
    assert entry["value"] - entry["low"] == pytest.approx(0.249, abs=0.01)
    assert entry["spread"] == pytest.approx(0.1)
    by_seed[2] = measured(0.97)
    assert estimates(by_seed, Bootstrap(**BOOTSTRAP))["r1"]["pass_at_1"]["high"] == 1.0


def test_one_seed_says_what_it_cannot_tell(world: Any, tmp_path: Path) -> None:
    world.add_evaluation("old", {"pass_at_1": EASY})
    config = {"claims": claims_of(ABOVE), "seed": 4, "seeds": None}
    config["claims"] |= {"shown": SHOWN, "paper": {"stages": [], "rows": {}}}
    text = report.build(world.artifacts, config, tmp_path / "out", RUN).read_text()
    assert "All this is of one seed, 4." in text
    assert "make reproduce SEEDS=3" in text


def test_different_commits_and_machines_are_said(world: Any, tmp_path: Path) -> None:
    world.add_evaluation("old", {"pass_at_1": EASY})
    world.add("more", "problems", "problems", code={"commit": "beef"}, host={"cpu": "slide rule"})
    config = {"claims": claims_of(ABOVE), "seed": 0}
    config["claims"] |= {"shown": SHOWN, "paper": {"stages": [], "rows": {}}}
    text = report.build(world.artifacts, config, tmp_path / "out", RUN).read_text()
    assert "different commits of the code: beef, c0ffee." in text
    assert (
        "different machines, which may round otherwise: abacus, 2 cores; slide rule, ? cores"
        in text
    )


SHOWN = {
    "stages": ["old", "new"],
    "controls": [],
    "students": [],
    "teacher": "new",
    "warn_truncation": 0.1,
    "smoothing": 0.1,
    "curves": [],
    "panels": {},
    "held_out": {},
    "beside_rewards": {},
    "last": 0.2,
    "samples": {"of_each": 2, "seed": 0, "folded_from": 400, "longest": 4000},
    "budgets": [],
    "preference": {
        "stage": "new",
        "longer": "old",
        "reward": "reward/helpful",
        "accuracy": "accuracy",
    },
}
