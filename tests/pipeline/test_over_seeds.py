"""Intervals over problems and seeds hold the truth as often as they say; cases worked by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

from pipeline import statistics
from pipeline.over_seeds import OverSeeds, over_seeds
from pipeline.statistics import Array, Bootstrap, Draws

BOOTSTRAP = Bootstrap(draws=1000, seed=0, confidence=0.95, block=5, smallest=8, most_seeds=50)
PROBLEMS, CASES = 60, 700


def of_seeds(table: Array) -> OverSeeds:
    """table: a row for each seed, a column for each problem."""
    counts = statistics.resampling_counts(table.shape[1], BOOTSTRAP)
    draws = [statistics.mean_of_problems(row, counts) for row in table]
    return over_seeds(dict(enumerate(draws)))


def coverage(seeds: int, between_seeds: float) -> float:
    """How often the interval holds the truth, 0: problems differ by 0.4, samples by 0.3."""
    random = np.random.default_rng(seeds)
    held = 0
    for _ in range(CASES):
        table = (
            between_seeds * random.standard_normal((seeds, 1))
            + 0.4 * random.standard_normal((1, PROBLEMS))
            + 0.3 * random.standard_normal((seeds, PROBLEMS))
        )
        low, high = of_seeds(table).interval(BOOTSTRAP)
        held += low <= 0 <= high
    return held / CASES


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("between_seeds", [0.0, 0.06, 0.5])
def test_95_per_cent_intervals_hold_the_truth_that_often(seeds: int, between_seeds: float) -> None:
    """Of 700 cases, whose own error is 0.8 points; with 3 seeds up to 97.5 % are right."""
    assert 0.93 <= coverage(seeds, between_seeds) <= (0.985 if seeds == 3 else 0.975)


@pytest.mark.parametrize("between_seeds", [0.0, 0.5])
def test_with_two_seeds_intervals_are_rather_too_wide(between_seeds: float) -> None:
    assert coverage(2, between_seeds) >= 0.93


def test_seeds_that_are_all_that_differs_give_the_t_interval() -> None:
    """30, 34 and 38 on every problem: mean 34, error 4 / sqrt(3), 2 degrees of freedom."""
    found = of_seeds(np.repeat([[30.0], [34.0], [38.0]], 20, axis=1))
    half = student.ppf(0.975, 2) * 4 / math.sqrt(3)
    assert found.interval(BOOTSTRAP) == pytest.approx((34 - half, 34 + half), rel=0.03)
    assert found.by_seed == {0: 30, 1: 34, 2: 38}


def test_seeds_that_agree_leave_the_interval_over_problems() -> None:
    row = np.array([0.0, 1.0] * 40)
    alone = of_seeds(row[None])
    assert of_seeds(np.stack([row] * 3)).interval(BOOTSTRAP) == alone.interval(BOOTSTRAP)


def test_curves_have_steps_of_their_own_which_count_once() -> None:
    """Their noise is in the spread between seeds: it is not added to it again."""
    random = np.random.default_rng(0)
    steps = random.standard_normal((4, 200))
    draws = [statistics.mean_of_steps(row, BOOTSTRAP, stream) for stream, row in enumerate(steps)]
    found = over_seeds(dict(enumerate(draws)))
    low, high = found.interval(BOOTSTRAP)
    half = student.ppf(0.975, 3) * steps.mean(axis=1).std(ddof=1) / 2
    assert high - low == pytest.approx(2 * half, rel=0.15)


def test_one_seed_has_the_interval_that_it_always_had() -> None:
    draws = Draws(0.5, np.linspace(0.4, 0.6, 1000), 80)
    found = over_seeds({0: draws})
    assert found.interval(BOOTSTRAP) == pytest.approx(draws.interval(0.95))
    with pytest.raises(ValueError, match="one seed"):
        found.seeds_needed(0.0, BOOTSTRAP)


def test_how_many_seeds_a_verdict_needs_follows_from_the_spread() -> None:
    """A value of 10, seeds that lie 8 apart: t * 8 / sqrt(n) falls below 10 at five seeds.

    Of four it is 3.18 * 4 = 12.7, of five 2.78 * 3.58 = 9.9.
    """
    found = OverSeeds(10.0, {0: 2.0, 1: 10.0, 2: 18.0}, np.zeros(1000), 8.0, 100)
    assert found.seeds_needed(0.0, BOOTSTRAP) == 5
    assert found.seeds_needed(0.0, replace(BOOTSTRAP, most_seeds=4)) is None
    assert found.seeds_needed(25.0, BOOTSTRAP) == 4  # 15 away, on the other side


def test_no_number_of_seeds_mends_too_few_problems() -> None:
    few = OverSeeds(0.1, {0: 0.1, 1: 0.1}, np.linspace(-0.3, 0.3, 1000), 0.01, 10)
    assert few.seeds_needed(0.0, BOOTSTRAP) is None
