"""Pass rates of problems that were asked until they were solved."""

from __future__ import annotations

import numpy as np
import pytest

from stages.sampling.collect import Job
from stages.sampling.difficulty import pass_rates
from stages.sampling.rounds import Seen

PROBLEM = {"id": "p", "source": "tiny", "domain": "math", "language": "en"}


def stopped_at_the_first_success(rates: np.ndarray, most: int) -> Seen:
    draw = np.random.default_rng(0)
    solved_at = draw.geometric(rates)
    seen = Seen(np.zeros(len(rates), dtype=int))
    seen.drawn[:] = seen.judged[:] = np.minimum(solved_at, most)
    seen.correct[:] = solved_at <= most
    return seen


def test_stopping_at_success_does_not_make_problems_look_easier():
    rates = np.random.default_rng(1).beta(1.0, 3.0, size=3000)
    seen = stopped_at_the_first_success(rates, most=16)
    rows = list(pass_rates([Job(PROBLEM, [1], 1)] * len(rates), seen))
    estimated = np.array([row["pass_rate"] for row in rows])
    plain = seen.correct / seen.drawn
    assert estimated.mean() == pytest.approx(rates.mean(), abs=0.02)
    assert plain.mean() > rates.mean() + 0.1
    inside = [row["low"] <= rate <= row["high"] for row, rate in zip(rows, rates, strict=True)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def test_a_problem_that_nothing_could_judge_has_no_rate():
    seen = Seen(np.zeros(2, dtype=int))
    seen.drawn[:], seen.judged[:] = [4, 4], [4, 0]
    solved, unjudged = pass_rates([Job(PROBLEM, [1], 4), Job(PROBLEM, [1], 4)], seen)
    assert unjudged["pass_rate"] is unjudged["low"] is None
    assert solved["low"] < solved["pass_rate"] < solved["high"]
