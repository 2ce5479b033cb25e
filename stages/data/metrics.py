"""Evaluation metrics as pure functions: pass@k, cons@k, bootstrap intervals.

The paper samples k answers per question and reports pass@1 as the mean over all of them (section
3, "Evaluation Setup"); cons@k is the majority vote over the k answers. The unit of an interval is
the problem, since answers to one problem are not independent: metrics are first averaged within a
problem, and the bootstrap then draws problems. A value of None (or NaN) says "does not apply here"
and takes no part in a mean.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000  # draws of the bootstrap; the error of a 95 % bound is then about 0.1 of its width
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` problems with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float | int]:
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


def pass_at_k(n: int, correct: int, k: int) -> float | None:
    """Unbiased chance that one of k of the n answers is correct; None with fewer than k answers.

    1 − C(n−c, k) / C(n, k) as a product, which never overflows (Codex paper, 2107.03374, 2.1).
    """
    if n < k:
        return None
    if n - correct < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(n - correct + 1, n + 1)))


def consensus(votes: Sequence[Hashable | None], scores: Sequence[float | None]) -> float | None:
    """The score of the majority answer. `votes` name each answer's class; None casts no vote.

    Classes that tie for the most votes share the result, which is what a vote broken by lot gives
    on average. No votes at all is a miss; a majority that nobody can judge is None.
    """
    if all(score is None for score in scores):
        return None
    counts: dict[Hashable, int] = {}
    judged: dict[Hashable, list[float]] = {}
    for vote, score in zip(votes, scores, strict=True):
        if vote is not None:
            counts[vote] = counts.get(vote, 0) + 1
            judged.setdefault(vote, []).extend([] if score is None else [score])
    if not counts:
        return 0.0
    most = max(counts.values())
    winners = [judged[vote] for vote, count in counts.items() if count == most and judged[vote]]
    if not winners:
        return None
    return float(np.mean([np.mean(winner) for winner in winners]))


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of the values that are there."""
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def bootstrap(columns: Mapping[str, Sequence[float | None]], seed: int) -> dict[str, Estimate]:
    """The mean of each column with its percentile interval over resampled rows (problems).

    All columns share the same draws, so they can be compared. A column without any value is left
    out. The draws are counts per row, which turns every resampled mean into one matrix product.
    """
    if not columns:
        return {}
    table = np.array(list(columns.values()), dtype=float).T
    if not len(table):
        return {}
    there = ~np.isnan(table)
    filled = np.where(there, table, 0.0)
    draws = _draws(len(table), seed)
    with np.errstate(invalid="ignore"):  # a draw without any value of a column: NaN, left out
        means = (draws @ filled) / (draws @ there)
    estimates = {}
    for column, name in enumerate(columns):
        if n := int(there[:, column].sum()):
            low, high = np.nanquantile(means[:, column], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            value = filled[:, column].sum() / n
            estimates[name] = Estimate(float(value), float(low), float(high), n)
    return estimates


def _draws(rows: int, seed: int) -> NDArray[np.float64]:
    """How often each row is drawn in each resample."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(rows, np.full(rows, 1 / rows), size=RESAMPLES).astype(float)
