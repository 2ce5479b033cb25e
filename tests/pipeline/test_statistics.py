"""Intervals on cases whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline import statistics
from pipeline.statistics import Bootstrap, Draws

BOOTSTRAP = Bootstrap(draws=4000, seed=0, confidence=0.95, block=5, smallest=8)


def fixed(value: float) -> Draws:
    return Draws(value, np.full(BOOTSTRAP.draws, value), 10)


def test_the_interval_of_a_mean_is_the_textbook_one() -> None:
    """200 coins, half heads: the standard error is sqrt(0.25 / 200)."""
    values = np.array([0.0, 1.0] * 100)
    draws = statistics.mean_of_problems(values, statistics.resampling_counts(200, BOOTSTRAP))
    low, high = draws.interval(0.95)
    half = 1.96 * math.sqrt(0.25 / 200)
    assert draws.value == 0.5
    assert low == pytest.approx(0.5 - half, abs=0.008)
    assert high == pytest.approx(0.5 + half, abs=0.008)


def test_pairing_cancels_what_two_stages_share() -> None:
    """Problems differ widely and one stage is better by 0.1 on each: the difference is certain."""
    easy_to_hard = np.linspace(0, 0.9, 50)
    counts = statistics.resampling_counts(50, BOOTSTRAP)
    better = statistics.mean_of_problems(easy_to_hard + 0.1, counts)
    worse = statistics.mean_of_problems(easy_to_hard, counts)
    assert (better - worse).interval(0.95) == pytest.approx((0.1, 0.1))
    assert better.interval(0.95)[0] < worse.interval(0.95)[1]


def test_blocks_widen_the_interval_of_a_curve_whose_steps_are_correlated() -> None:
    waves = np.repeat([0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0], 5)
    single = Bootstrap(4000, 0, 0.95, block=1, smallest=8)
    low, high = statistics.mean_of_steps(waves, BOOTSTRAP, 0).interval(0.95)
    low_single, high_single = statistics.mean_of_steps(waves, single, 0).interval(0.95)
    assert high - low > 1.5 * (high_single - low_single)


def test_a_constant_curve_has_no_width() -> None:
    draws = statistics.mean_of_steps(np.full(20, 3.0), BOOTSTRAP, 0)
    assert draws.interval(0.95) == (3.0, 3.0)


@pytest.mark.parametrize(
    ("better", "worse", "chance"),
    [(0, 0, 1.0), (1, 1, 1.0), (5, 0, 2 / 32), (8, 2, 2 * 56 / 1024), (2, 8, 2 * 56 / 1024)],
)
def test_the_sign_test_is_the_exact_binomial_one(better: int, worse: int, chance: float) -> None:
    """8 of 10: 1 + 10 + 45 of 1,024 splits have at most two on the other side."""
    assert statistics.sign_test(better, worse) == pytest.approx(chance)


def test_the_sign_test_does_not_overflow_on_many_problems() -> None:
    assert statistics.sign_test(3000, 3000) == pytest.approx(1.0)
    assert statistics.sign_test(4000, 2000) < 1e-100


def test_the_slope_over_doublings_is_the_gain_per_doubling() -> None:
    x = np.log2([8.0, 16.0, 32.0])
    assert statistics.slope(x, [fixed(0.1), fixed(0.3), fixed(0.5)]).value == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("ours", "tau"),
    [((1, 2, 3), 1.0), ((3, 2, 1), -1.0), ((2, 1, 3), 1 / 3), ((1, 1, 3), 2 / 3)],
)
def test_kendalls_tau_counts_pairs_in_the_reference_order(
    ours: tuple[float, ...], tau: float
) -> None:
    agreement = statistics.kendall_tau([10, 20, 30], [fixed(value) for value in ours])
    assert agreement.value == pytest.approx(tau)


def test_pairs_that_tie_in_the_reference_say_nothing() -> None:
    agreement = statistics.kendall_tau([10, 10, 30], [fixed(2), fixed(1), fixed(3)])
    assert agreement.value == 1.0
