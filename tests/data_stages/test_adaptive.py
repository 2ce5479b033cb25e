"""Which prompts get the next samples, from counts alone."""

from __future__ import annotations

import numpy as np
import pytest

from stages.sampling.adaptive import Counts, Limits, allocate, beta_priors

LIMITS = Limits(quota=2, most=16)


def counts(*prompts: tuple[int, int, int], group: list[int] | None = None) -> Counts:
    """One prompt per (drawn, accepted, distinct); ten tokens a sample."""
    drawn, accepted, distinct = np.array(prompts).T
    groups = np.array(group or [0] * len(prompts))
    return Counts(drawn, accepted, distinct, 10 * drawn, groups)


def test_what_a_full_easy_prompt_leaves_goes_to_the_hard_ones():
    given = allocate(counts((2, 2, 2), (2, 0, 0), (2, 1, 1)), LIMITS, samples=4)
    assert given[0] == 0
    assert given.sum() == 4


def test_the_likelier_and_shorter_answer_is_asked_first():
    seen = counts(*[(4, 3, 1)] * 1, *[(4, 0, 0)] * 3, *[(4, 3, 3)] * 3)
    given = allocate(seen, Limits(quota=8, most=16), samples=3)
    assert given[4:].sum() == 3
    longer = Counts(seen.drawn, seen.accepted, seen.distinct, seen.tokens.copy(), seen.group)
    longer.tokens[4] *= 20
    assert allocate(longer, Limits(quota=8, most=16), samples=2)[4] == 0


def test_a_prompt_that_only_repeats_itself_is_given_up_before_one_that_finds_new_answers():
    seen = counts((8, 8, 1), (8, 8, 7), (8, 8, 1), (8, 8, 7))
    assert allocate(seen, Limits(quota=12, most=64), samples=6).tolist() == [0, 3, 0, 3]


def test_no_prompt_costs_more_than_its_maximum_or_doubles_more_than_once():
    seen = counts((15, 1, 1), (16, 1, 1), (2, 1, 1))
    assert allocate(seen, LIMITS, samples=100).tolist() == [1, 0, 2]


def test_nothing_is_given_where_all_are_full_or_nothing_was_asked():
    assert allocate(counts((4, 2, 2), (16, 0, 0), (0, 0, 0)), LIMITS, 10).tolist() == [0, 0, 0]


def test_the_same_facts_give_the_same_allocation_and_equal_prompts_go_in_order():
    seen = counts(*[(1, 0, 0)] * 10)
    assert allocate(seen, LIMITS, 4).tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]


def test_the_prior_is_that_of_the_prompts_own_group():
    solved = [(2, 2)] * 200 + [(0, 2)] * 200
    successes, trials = np.array(solved).T
    group = np.repeat([0, 1], 200)
    priors = beta_priors(successes, trials, group)
    means = priors[:, 0] / priors.sum(1)
    assert means[0] > 0.9
    assert means[-1] < 0.1


def test_the_fitted_prior_recovers_the_rates_that_made_the_counts():
    draw = np.random.default_rng(0)
    rates = draw.beta(2.0, 6.0, size=4000)
    trials = np.full(4000, 8)
    priors = beta_priors(draw.binomial(trials, rates), trials, np.zeros(4000, dtype=int))
    a, b = priors[0]
    assert a / (a + b) == pytest.approx(0.25, abs=0.03)
    assert 4 <= a + b <= 16
