"""Metrics on cases worked by hand."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

from pipeline.statistics import Bootstrap, estimates
from stages.scoring.estimators import (
    best_of,
    consensus,
    expected_consensus,
    mean,
    pass_at_k,
)


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


def test_a_weighted_vote_counts_weights():
    votes, scores = ["5", "5", "6"], [1.0, 1.0, 0.0]
    assert consensus(votes, scores, [0.1, 0.2, 0.9]) == 0.0
    assert consensus(votes, scores, [0.5, 0.5, 0.9]) == 1.0


def test_the_vote_of_fewer_answers_is_the_mean_over_all_their_subsets():
    """Two 5s (right), one 6: of three pairs one is 5 5, and two are ties that win by half."""
    assert expected_consensus(["5", "5", "6"], [1.0, 1.0, 0.0], 2) == pytest.approx(2 / 3)
    assert expected_consensus(["5", "5", "6"], [1.0, 1.0, 0.0], 3) == 1.0


def test_the_vote_of_fewer_answers_agrees_with_voting_in_every_subset():
    random.seed(0)
    for _ in range(60):
        votes = random.choices(["5", "6", "7", "8", None], [4, 3, 2, 1, 1], k=9)
        scores = [float(vote == "5") for vote in votes]
        for k in range(1, 10):
            subsets = list(itertools.combinations(range(9), k))
            every = [consensus([votes[i] for i in s], [scores[i] for i in s]) for s in subsets]
            assert expected_consensus(votes, scores, k) == pytest.approx(np.mean(every))


def test_the_vote_of_fewer_answers_is_unknown_where_votes_were_not_judged():
    assert expected_consensus(["5", "6"], [1.0, None], 2) is None
    assert expected_consensus(["5", None], [1.0, None], 1) == 0.5
    assert expected_consensus([None, None], [None, None], 1) is None
    assert expected_consensus(["5"], [1.0], 2) is None


def test_best_of_n_is_the_mean_over_all_subsets_of_the_answers():
    random.seed(0)
    for _ in range(60):
        scores = [float(random.random() < 0.4) for _ in range(7)]
        rewards = [random.choice([None, 0.5, 1.5, random.random()]) for _ in range(7)]
        order = [-math.inf if r is None else r for r in rewards]
        for k in range(1, 8):
            every = []
            for subset in itertools.combinations(range(7), k):
                most = max(order[i] for i in subset)
                every.append(np.mean([scores[i] for i in subset if order[i] == most]))
            assert best_of(scores, rewards, k) == pytest.approx(np.mean(every))


def test_a_reward_that_knows_the_answer_reaches_pass_at_k_and_one_that_knows_nothing_pass_at_1():
    scores = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    assert best_of(scores, scores, 3) == pytest.approx(pass_at_k(6, 2, 3))
    assert best_of(scores, [0.0] * 6, 3) == pytest.approx(2 / 6)
    assert best_of(scores, [-s for s in scores], 3) == pytest.approx(0.0)


def test_best_of_n_takes_judged_answers_only_and_needs_enough_of_them():
    assert best_of([1.0, None, 0.0], [0.1, 9.0, 0.2], 2) == 0.0
    assert best_of([1.0, None, 0.0], [0.1, 9.0, 0.2], 3) is None


def test_the_bootstrap_interval_matches_the_normal_theory_of_a_proportion():
    """300 of 1000 problems right: 0.3 ± 1.96·√(0.3·0.7/1000) = [0.2716, 0.3284]."""
    estimate = estimates({"a": [1.0] * 300 + [0.0] * 700}, Bootstrap(2000, seed=1))["a"]
    assert estimate.value == pytest.approx(0.3)
    assert (estimate.low, estimate.high) == pytest.approx((0.2716, 0.3284), abs=0.004)
    assert estimate.n == 1000


def test_the_bootstrap_repeats_with_its_seed_and_moves_with_another():
    values = {"x": list(np.linspace(0, 1, 40))}
    assert estimates(values, Bootstrap(2000, seed=1)) == estimates(values, Bootstrap(2000, seed=1))
    assert estimates(values, Bootstrap(2000, seed=1)) != estimates(values, Bootstrap(2000, seed=2))


def test_values_that_are_missing_count_neither_as_right_nor_as_wrong():
    found = estimates({"a": [1.0, None, 0.0, None], "b": [None] * 4}, Bootstrap(2000, seed=0))
    assert found["a"].value == 0.5
    assert found["a"].n == 2
    assert "b" not in found
    assert mean([None, 1.0, 0.0]) == 0.5
    assert mean([None]) is None


def test_equal_values_have_an_interval_of_no_width():
    estimate = estimates({"a": [0.25] * 10}, Bootstrap(2000, seed=3))["a"]
    assert (estimate.low, estimate.value, estimate.high) == (0.25, 0.25, 0.25)
