"""Two models compared on the problems that both were asked."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.statistics import Bootstrap
from stages import report
from stages.report import tables
from stages.report.comparison import compare
from stages.report.evidence import Evidence

BOOTSTRAP = Bootstrap(draws=2000, seed=0, confidence=0.95, block=5, smallest=8)


def test_the_difference_is_paired_and_problems_are_counted(world: Any) -> None:
    """Up by 0.1 on eight problems, down by 0.1 on one, equal on one: 0.07 on average."""
    easy = [i / 10 for i in range(10)]
    moves = [0.1] * 8 + [-0.1, 0.0]
    world.add_evaluation("new", {"pass_at_1": [e + m for e, m in zip(easy, moves, strict=True)]})
    world.add_evaluation("old", {"pass_at_1": easy})
    found = compare([Evidence(world.artifacts)], "new", "old", ["pass_at_1"], BOOTSTRAP)[
        "pass_at_1"
    ]
    assert found["difference"] == pytest.approx(0.07)
    assert 0 < found["low"] < 0.07 < found["high"] < 0.11
    assert (found["higher"], found["lower"], found["n"]) == (8, 1, 10)
    assert found["sign_test"] == pytest.approx(2 * 10 / 512)  # 1 + 9 splits of 2^9


def test_only_shared_problems_count(world: Any) -> None:
    world.add_evaluation("new", {"pass_at_1": [1.0] * 12})
    old = {"id": [f"p{i}" for i in range(3, 15)], "pass_at_1": [0.5] * 12}
    world.add_evaluation("old", old)
    found = compare([Evidence(world.artifacts)], "new", "old", ["pass_at_1"], BOOTSTRAP)[
        "pass_at_1"
    ]
    assert (found["n"], found["difference"]) == (9, 0.5)


def test_a_comparison_that_cannot_be_made_says_why(world: Any) -> None:
    world.add_evaluation("new", {"pass_at_1": [1.0] * 9, "cons": [None] * 9})
    world.add_evaluation("old", {"pass_at_1": [0.5] * 9, "cons": [None] * 9})
    metrics = ["cons_at_k", "pass_at_64"]
    found = compare([Evidence(world.artifacts)], "new", "old", metrics, BOOTSTRAP)
    assert found["cons_at_k"]["reason"] == "0 problems have all values, fewer than 8"
    assert found["pass_at_64"]["reason"] == "the evaluation of new has no pass_at_64 per problem"


def test_a_vote_is_held_against_one_sample_of_the_same_problems(world: Any) -> None:
    """Twenty programs, all right, have no vote; of twenty others 0.4 are right, by majority 0.5."""
    single = [1.0] * 20 + [0.4] * 20
    vote = [None] * 20 + [1.0] * 10 + [0.0] * 10
    world.add_evaluation("zero", {"pass_at_1": single, "cons": vote})
    claims = {"bootstrap": {"draws": 1000, "seed": 0, "smallest": 8}, "claims": []}
    facts = report.facts(world.artifacts, {"claims": claims})
    asked = facts["stages"]["zero"]["reasoning/voted_pass_at_1"]
    assert (asked["value"], asked["n"]) == (pytest.approx(0.4), 20)
    gain = facts["votes"][0]
    assert (gain["difference"], gain["n"]) == (pytest.approx(0.1), 20)
    text = tables.evaluations(["zero"], facts["stages"])
    assert "| reasoning, pass@1 of the problems that are voted on | 40.0" in text
