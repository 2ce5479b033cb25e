"""Each verdict on tables small enough to work by hand."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import UsageError
from stages.report.claims import Judgement, decide, judge
from stages.report.evidence import Evidence

BOOTSTRAP = {"draws": 2000, "seed": 0, "confidence": 0.95, "block": 3, "smallest": 8}
REASONING: dict[str, Any] = {"metric": "pass_at_1", "group": "reasoning"}
ABOVE = {
    "says": "better lies above worse",
    "left": {"stage": "better"} | REASONING,
    "right": {"stage": "worse"} | REASONING,
    "relation": "greater",
}


def verdict(world: Any, *checks: dict[str, Any], **more: Any) -> Judgement:
    claim = {"id": 1, "statement": "it is so", "source": "nowhere", "checks": list(checks)}
    config = {"bootstrap": BOOTSTRAP, "claims": [claim], **more}
    return judge(config, [Evidence(world.artifacts)])[0]


def evaluate(world: Any, **stages: list[float]) -> None:
    for stage, values in stages.items():
        world.add_evaluation(stage, {"pass_at_1": values})


@pytest.mark.parametrize(
    ("low", "high", "relation", "margin", "expected"),
    [
        (0.1, 0.2, "greater", 0.0, "reproduced"),
        (-0.1, 0.2, "greater", 0.0, "undecided"),
        (-0.2, -0.1, "greater", 0.0, "not reproduced"),
        (0.1, 0.2, "greater", 0.3, "not reproduced"),
        (-0.02, 0.2, "greater", -0.05, "reproduced"),
        (-0.2, -0.1, "less", 0.0, "reproduced"),
        (0.1, 0.2, "less", 0.0, "not reproduced"),
        (-0.2, 0.0, "less", 0.0, "undecided"),
        (0.0, 0.0, "greater", 0.0, "undecided"),
    ],
)
def test_the_verdict_is_where_the_interval_lies(
    low: float, high: float, relation: str, margin: float, expected: str
) -> None:
    assert decide(low, high, relation, margin) == expected


def test_a_difference_on_every_problem_is_reproduced(world: Any) -> None:
    evaluate(world, better=[0.75] * 8 + [1.0] * 2, worse=[0.5] * 8 + [0.75] * 2)
    found = verdict(world, ABOVE)
    assert found.verdict == "reproduced"
    check = found.findings[0]
    assert (check.difference, check.low, check.high) == pytest.approx((0.25, 0.25, 0.25))
    assert (check.n, check.unit) == (10, "problems")


def test_the_opposite_difference_is_not_reproduced(world: Any) -> None:
    evaluate(world, better=[0.25] * 10, worse=[0.5] * 10)
    assert verdict(world, ABOVE).verdict == "not reproduced"


def test_a_difference_that_some_problems_contradict_is_undecided(world: Any) -> None:
    """Up by 1 on five problems, down by 1 on four: 0.11 on average, within chance."""
    evaluate(world, better=[1.0] * 5 + [0.0] * 4, worse=[0.0] * 5 + [1.0] * 4)
    found = verdict(world, ABOVE)
    assert found.verdict == "undecided"
    assert found.findings[0].difference == pytest.approx(1 / 9)


def test_a_claim_about_a_stage_that_was_not_run_is_not_run_and_says_why(world: Any) -> None:
    evaluate(world, better=[1.0] * 10)
    check = verdict(world, ABOVE).findings[0]
    assert check.verdict == "not run"
    assert check.difference is None
    assert check.reason == "worse was not run"


def test_a_handful_of_problems_decides_nothing(world: Any) -> None:
    evaluate(world, better=[1.0] * 5, worse=[0.0] * 5)
    assert verdict(world, ABOVE).findings[0].reason == (
        "not measured: 5 problems have all values, fewer than 8"
    )


def test_one_contrary_check_refutes_a_claim_that_the_others_support(world: Any) -> None:
    evaluate(world, better=[1.0] * 10, worse=[0.0] * 10)
    below = ABOVE | {"relation": "less", "says": "and also below"}
    found = verdict(world, ABOVE, below)
    assert found.verdict == "not reproduced"
    assert found.decisive.says == "and also below"


def test_an_unmeasured_check_keeps_a_claim_from_being_reproduced(world: Any) -> None:
    evaluate(world, better=[1.0] * 10, worse=[0.0] * 10)
    other = ABOVE | {"left": {"stage": "absent"} | REASONING}
    assert verdict(world, ABOVE, other).verdict == "not run"


def test_sides_are_compared_on_problems_where_both_have_a_value(world: Any) -> None:
    """cons exists only where answers can be voted on: the other problems must not count."""
    columns = {"pass_at_1": [0.5] * 8 + [1.0] * 8, "cons": [0.75] * 8 + [None] * 8}
    world.add_evaluation("zero", columns)
    check = ABOVE | {
        "left": {"stage": "zero", "metric": "cons_at_k", "group": "reasoning"},
        "right": {"stage": "zero", "metric": "pass_at_1", "group": "reasoning"},
    }
    found = verdict(world, check).findings[0]
    assert (found.difference, found.n) == (pytest.approx(0.25), 8)


def test_a_gain_compares_two_differences(world: Any) -> None:
    """0.2 → 0.9 is 0.7; 0.1 → 0.2 is 0.1: the first gains 0.6 more."""
    evaluate(world, zero=[0.9] * 9, base=[0.2] * 9, zero_weak=[0.2] * 9, base_weak=[0.1] * 9)
    check = ABOVE | {
        "left": {"stage": "zero", "minus": "base"} | REASONING,
        "right": {"stage": "zero_weak", "minus": "base_weak"} | REASONING,
    }
    assert verdict(world, check).findings[0].difference == pytest.approx(0.6)


def test_validation_before_the_first_step_is_no_step_of_a_claim(world: Any) -> None:
    """A fraction of 0.45 of 20 steps is 9; a point at step 0 would make it 10, for both sides."""
    path = world.add_model("zero", [{"length": float(i)} for i in range(20)])
    check = {
        "says": "it grows",
        "left": {"stage": "zero", "curve": "length", "part": "last", "fraction": 0.45},
        "right": {"stage": "zero", "curve": "length", "part": "first", "fraction": 0.45},
        "relation": "greater",
    }
    before = verdict(world, check).findings[0]
    with (path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 0, "time": 0, "validation/accuracy": 0.5}\n')
    after = verdict(world, check).findings[0]
    assert before.n == 9
    assert (after.n, after.difference) == (before.n, before.difference)


def test_a_curve_is_compared_between_its_first_and_last_steps(world: Any) -> None:
    world.add_model("zero", [{"length": 20.0}] * 10 + [{"length": 99.0}] * 30)
    world.add_model("one", [{"length": 20.0}] * 10 + [{"length": 30.0}] * 10)
    check = {
        "says": "longer at the end",
        "left": {"stage": "one", "curve": "length", "part": "last", "fraction": 0.5},
        "right": {"stage": "zero", "curve": "length", "part": "first", "fraction": 0.25},
        "relation": "greater",
    }
    found = verdict(world, check)
    assert found.verdict == "reproduced"
    assert found.findings[0].difference == pytest.approx(10.0)
    assert (found.findings[0].n, found.findings[0].unit) == (10, "steps")


def test_a_point_logged_again_after_a_resume_counts_once(world: Any) -> None:
    path = world.add_model("zero", [{"length": 20.0}] * 10)
    with (path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 10, "time": 1, "length": 30.0}\n{"step": 11, "leng')
    steps, values = Evidence(world.artifacts).curve("zero").series("length")
    assert (len(steps), values[-1]) == (10, 30.0)


def claimed(budget: str) -> dict[str, Any]:
    check = {"says": "it rises", "left": {"stage": "r1", "budget": budget}, "relation": "greater"}
    if budget == "largest":
        check["right"] = {"stage": "r1", "budget": "smallest"}
    return check


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.2, 0.4, 0.6), "reproduced"),
        ((0.6, 0.4, 0.2), "not reproduced"),
        ((0.5, 0.5, 0.5), "undecided"),
    ],
)
@pytest.mark.parametrize("budget", ["slope", "largest"])
def test_accuracy_must_rise_with_the_budget(
    world: Any, values: tuple[float, ...], expected: str, budget: str
) -> None:
    budgets = {8 * i: [value] * 8 for i, value in enumerate(values)}
    world.add_evaluation("r1", {"pass_at_1": [0.5] * 8}, budgets)
    assert verdict(world, claimed(budget)).verdict == expected


@pytest.mark.parametrize("budget", ["slope", "largest"])
def test_budgets_are_compared_on_the_same_problems(world: Any, budget: str) -> None:
    """Problems differ far more than budgets do; each gains 0.1 from 0 to 3 tokens, two doublings.

    Taken as independent, the two means would differ by 0.1 ± 0.26. Problems that no budget was
    asked of do not count.
    """
    hard_to_easy = [i / 10 for i in range(10)]
    budgets = {0: [*hard_to_easy, None], 3: [*(v + 0.1 for v in hard_to_easy), None]}
    world.add_evaluation("r1", {"pass_at_1": [0.5] * 11}, budgets)
    found = verdict(world, claimed(budget)).findings[0]
    gain = 0.1 if budget == "largest" else 0.05
    assert (found.difference, found.low, found.high) == pytest.approx((gain, gain, gain))
    assert found.n == 10


def test_a_stage_without_budgets_leaves_the_claim_undecided(world: Any) -> None:
    world.add_evaluation("r1", {"pass_at_1": [0.5] * 8})
    reason = "not measured: r1 was evaluated under 0 thinking budgets, not 2"
    assert verdict(world, claimed("slope")).findings[0].reason == reason


PAPER = {
    "stages": ["a", "b", "c"],
    "rows": {
        "AIME": {"values": [10, 20, 30], "stands_for": "reasoning"},
        "MMLU": {"values": [30, 20, 10], "stands_for": None},
    },
}
TABLE = {
    "says": "as in the paper",
    "table": ["a", "b", "c"],
    "metric": "pass_at_1",
    "relation": "greater",
    "margin": 0.3333,
}


@pytest.mark.parametrize(
    ("ours", "expected", "tau"),
    [((0.1, 0.5, 0.9), "reproduced", 1.0), ((0.9, 0.5, 0.1), "not reproduced", -1.0)],
)
def test_the_table_is_judged_by_the_order_of_its_stages(
    world: Any, ours: tuple[float, ...], expected: str, tau: float
) -> None:
    evaluate(world, **{stage: [v] * 10 for stage, v in zip("abc", ours, strict=True)})
    found = verdict(world, TABLE, paper=PAPER)
    assert (found.verdict, found.findings[0].difference) == (expected, tau)


def test_the_evaluation_named_after_a_stage_wins_over_other_evaluations_of_it(world: Any) -> None:
    world.add_evaluation("zero", {"pass_at_1": [0.5] * 8})
    gsm8k = world.artifacts["eval_zero"].facts | {"overall": {}}
    world.add("zero_on_gsm8k", "evaluate", "evaluation", facts=gsm8k)
    assert Evidence(world.artifacts).evaluation("zero").stage == "eval_zero"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"relation": "above"}, r"checks\[0\].relation: 'above' is none of greater, less"),
        ({"left": {"stage": "a"}}, r"checks\[0\].left: needs `stage` and one of `metric`"),
        ({"left": {"stage": "a", "metrics": "x"}}, r"left: unknown \['metrics'\]"),
        ({"left": {"stage": "a", "budget": "big"}}, r"left.budget: 'big' is none of smallest"),
        ({"left": {"stage": "a", "curve": "kl"}}, r"a curve needs `part` \(first or last\)"),
        ({"table": ["a"]}, r"needs `left` \(and maybe `right`\) or `table`, and not both"),
    ],
)
def test_a_malformed_check_is_named_by_its_key(
    world: Any, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        verdict(world, ABOVE | change)


def test_the_shipped_claims_are_ten_and_every_check_can_be_read(
    world: Any, shipped: dict[str, Any]
) -> None:
    found = judge(shipped, [Evidence(world.artifacts)])
    assert [claim.id for claim in found] == list(range(1, 11))
    assert {claim.verdict for claim in found} == {"not run"}
    for row in shipped["paper"]["rows"].values():
        assert len(row["values"]) == len(shipped["paper"]["stages"])
