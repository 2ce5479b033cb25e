"""Metrics on cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stages.data.metrics import bootstrap, consensus, mean, pass_at_k


@pytest.mark.parametrize(
    ("n", "correct", "k", "expected"),
    [
        (4, 1, 1, 1 / 4),
        (4, 1, 2, 1 / 2),  # 1 − C(3,2)/C(4,2) = 1 − 3/6
        (5, 2, 3, 0.9),  # 1 − C(3,3)/C(5,3) = 1 − 1/10
        (4, 0, 4, 0.0),
        (4, 3, 2, 1.0),  # only one wrong answer: two always hold a right one
        (64, 64, 64, 1.0),
    ],
)
def test_pass_at_k_is_the_unbiased_estimate(n, correct, k, expected):
    assert pass_at_k(n, correct, k) == pytest.approx(expected)


def test_pass_at_k_is_unknown_with_fewer_than_k_judged_answers():
    assert pass_at_k(3, 3, 4) is None


def test_pass_at_k_does_not_overflow_on_many_samples():
    assert pass_at_k(20000, 1, 10000) == pytest.approx(0.5)


def test_the_majority_answer_decides_consensus():
    assert consensus(["5", "5", "6"], [1.0, 1.0, 0.0]) == 1.0
    assert consensus(["5", "6", "6"], [1.0, 0.0, 0.0]) == 0.0


def test_a_tie_gives_the_share_of_right_classes_among_the_first():
    assert consensus(["5", "6"], [1.0, 0.0]) == 0.5
    assert consensus(["5", "6", "7", "5", "6", "7", "8"], [1, 0, 0, 1, 0, 0, 0]) == pytest.approx(
        1 / 3
    )


def test_an_answer_that_is_missing_casts_no_vote():
    assert consensus([None, None, "5"], [0.0, 0.0, 1.0]) == 1.0
    assert consensus([None, None], [0.0, 0.0]) == 0.0


def test_consensus_is_unknown_when_nothing_could_be_judged():
    assert consensus(["5", "5"], [None, None]) is None
    assert consensus(["5", "5", "6"], [None, None, 1.0]) is None


def test_the_bootstrap_interval_matches_the_normal_theory_of_a_proportion():
    """300 of 1000 problems right: 0.3 ± 1.96·√(0.3·0.7/1000) = [0.2716, 0.3284]."""
    estimate = bootstrap({"pass_at_1": [1.0] * 300 + [0.0] * 700}, seed=1)["pass_at_1"]
    assert estimate.value == pytest.approx(0.3)
    assert (estimate.low, estimate.high) == pytest.approx((0.2716, 0.3284), abs=0.004)
    assert estimate.n == 1000


def test_the_bootstrap_repeats_with_its_seed_and_moves_with_another():
    values = {"x": list(np.linspace(0, 1, 40))}
    assert bootstrap(values, seed=1) == bootstrap(values, seed=1)
    assert bootstrap(values, seed=1) != bootstrap(values, seed=2)


def test_values_that_are_missing_count_neither_as_right_nor_as_wrong():
    estimates = bootstrap({"a": [1.0, None, 0.0, None], "b": [None] * 4}, seed=0)
    assert estimates["a"].value == 0.5
    assert estimates["a"].n == 2
    assert "b" not in estimates
    assert mean([None, 1.0, 0.0]) == 0.5
    assert mean([None]) is None


def test_equal_values_have_an_interval_of_no_width():
    estimate = bootstrap({"a": [0.25] * 10}, seed=3)["a"]
    assert (estimate.low, estimate.value, estimate.high) == (0.25, 0.25, 0.25)
