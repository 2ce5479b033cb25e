"""Bootstrap intervals, over units (paired) and over steps of a curve (in blocks), and a sign test.

A unit is what is drawn anew: a problem, since answers to one problem are not independent. Every
quantity is a `Draws`: its value and its value in each bootstrap world. Differences of draws made
from the same worlds are paired: what two stages share (an easy problem) cancels out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_COUNTS = 2**22  # of the worlds that are in memory together: 32 MiB


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made; the numbers live in the configuration.

    draws: worlds. confidence: the share of them in an interval. block: consecutive steps that are
    drawn together. smallest: fewer units decide nothing. most_seeds: where it ends to be asked how
    many seeds would decide (pipeline/over_seeds.py).
    """

    draws: int
    seed: int
    confidence: float = 0.95
    block: int = 1
    smallest: int = 1
    most_seeds: int = 2

    def generator(self) -> np.random.Generator:
        """The same worlds for every check, so that a report is the same when it is rebuilt."""
        return np.random.default_rng(self.seed)


@dataclass(frozen=True)
class Draws:
    """A quantity in the sample as it is and in every bootstrap world; n units were resampled."""

    value: float
    worlds: Array
    n: int

    def __sub__(self, other: Draws) -> Draws:
        return Draws(self.value - other.value, self.worlds - other.worlds, min(self.n, other.n))

    def interval(self, confidence: float) -> tuple[float, float]:
        """The percentile interval of the worlds."""
        tail = 100 * (1 - confidence) / 2
        low, high = np.percentile(self.worlds, [tail, 100 - tail])
        return float(low), float(high)


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` units with its bootstrap interval."""

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float | int]:
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


def estimates(
    columns: Mapping[str, Sequence[float | None]], bootstrap: Bootstrap
) -> dict[str, Estimate]:
    """The mean of each column over its rows (units), with its percentile interval.

    None and NaN say "does not apply here" and take no part in a mean. All columns share the same
    worlds, so they can be compared. A column without any value is left out.
    """
    table = np.array(list(columns.values()), dtype=float).T
    if not table.size:
        return {}
    there = ~np.isnan(table)
    filled = np.where(there, table, 0.0)
    with np.errstate(invalid="ignore"):  # a world without any value of a column: NaN, left out
        means = np.concatenate(
            [(counts @ filled) / (counts @ there) for counts in _worlds(len(table), bootstrap)]
        )
    tail = (1 - bootstrap.confidence) / 2
    found = {}
    for column, name in enumerate(columns):
        if n := int(there[:, column].sum()):
            low, high = np.nanquantile(means[:, column], [tail, 1 - tail])
            value = filled[:, column].sum() / n
            found[name] = Estimate(float(value), float(low), float(high), n)
    return found


@lru_cache(maxsize=1)
def resampling_counts(n: int, bootstrap: Bootstrap) -> Array:
    """How often each of n units occurs in each world: (draws, n); most checks ask for the same."""
    counts = np.concatenate(list(_worlds(n, bootstrap)))
    counts.flags.writeable = False
    return counts


def _worlds(n: int, bootstrap: Bootstrap) -> Iterator[Array]:
    """The same, some worlds at a time, to save memory."""
    generator = bootstrap.generator()
    together = max(1, MOST_COUNTS // n)
    for done in range(0, bootstrap.draws, together):
        size = min(together, bootstrap.draws - done)
        yield generator.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)


def mean_of_problems(values: Array, counts: Array) -> Draws:
    """The mean over problems, with the worlds that `counts` describes."""
    return Draws(float(values.mean()), counts @ values / len(values), len(values))


def mean_of_steps(values: Array, bootstrap: Bootstrap, stream: int) -> Draws:
    """The mean over consecutive steps of a curve, by the circular block bootstrap.

    Blocks that run over the end go on at the start, so that every step has the same weight.
    `stream` sets independent curves (or parts of one) apart: they must not share their worlds.
    """
    n, block = len(values), min(bootstrap.block, len(values))
    random = np.random.default_rng([bootstrap.seed, stream])
    blocks = -(-n // block)
    starts = random.integers(0, n, size=(bootstrap.draws, blocks))
    steps = (starts[:, :, None] + np.arange(block)).reshape(bootstrap.draws, -1)[:, :n] % n
    return Draws(float(values.mean()), values[steps].mean(axis=1), n)


def sign_test(better: int, worse: int) -> float:
    """The chance, if neither side were better, of so uneven a split or a more uneven one.

    Exact and two-sided; units that are equal on both sides say nothing and are left out.
    """
    from scipy.stats import binomtest  # it takes a second

    return float(binomtest(better, better + worse).pvalue) if better + worse else 1.0


def slope(x: Array, draws: Sequence[Draws]) -> Draws:
    """The least-squares slope of the draws over x."""
    centred = x - x.mean()
    weights = centred / (centred @ centred)
    values = np.array([draw.value for draw in draws])
    worlds = np.stack([draw.worlds for draw in draws])
    return Draws(float(weights @ values), weights @ worlds, min(draw.n for draw in draws))


def kendall_tau(reference: Sequence[float], ours: Sequence[Draws]) -> Draws:
    """Pairs ordered as in the reference minus pairs ordered otherwise, over the reference's pairs.

    Pairs that tie in the reference say nothing and are left out; ours that tie count as nothing.
    """
    pairs = [p for p in itertools.combinations(range(len(ours)), 2) if _sign(reference, p)]
    values = np.array([draw.value for draw in ours])
    worlds = np.stack([draw.worlds for draw in ours])
    agree = sum(_sign(reference, (i, j)) * np.sign(worlds[i] - worlds[j]) for i, j in pairs)
    value = sum(_sign(reference, (i, j)) * np.sign(values[i] - values[j]) for i, j in pairs)
    n = min(draw.n for draw in ours)
    return Draws(float(value) / len(pairs), np.asarray(agree, dtype=np.float64) / len(pairs), n)


def _sign(reference: Sequence[float], pair: tuple[int, int]) -> float:
    return float(np.sign(reference[pair[0]] - reference[pair[1]]))


def mean_of_draws(draws: Sequence[Draws]) -> Draws:
    """The plain mean of several quantities."""
    return Draws(
        float(np.mean([draw.value for draw in draws])),
        np.mean([draw.worlds for draw in draws], axis=0),
        min(draw.n for draw in draws),
    )
