"""Evaluation metrics of one problem as pure functions: pass@k, cons@k, best-of-N.

The paper samples k answers per question and reports pass@1 as the mean over all of them (section
3, "Evaluation Setup"); cons@k is the majority vote over the k answers. Their intervals over
problems are made in pipeline/statistics.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import groupby
from math import comb, inf
from operator import itemgetter

import numpy as np


def pass_at_k(n: int, correct: int, k: int) -> float | None:
    """Unbiased chance that one of k of the n answers is correct; None with fewer than k answers.

    1 − C(n−c, k) / C(n, k) as a product, which never overflows (Codex paper, 2107.03374, 2.1).
    """
    if n < k:
        return None
    if n - correct < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(n - correct + 1, n + 1)))


def consensus(
    votes: Sequence[Hashable | None],
    scores: Sequence[float | None],
    weights: Sequence[float] | None = None,
) -> float | None:
    """The score of the majority answer. `votes` name each answer's class; None casts no vote.

    Classes that tie for the most votes share the result, which is what a vote broken by lot gives
    on average. No votes at all is a miss; a majority that nobody can judge is None. With `weights`
    an answer counts as much as its weight.
    """
    if all(score is None for score in scores):
        return None
    counts: dict[Hashable, float] = {}
    judged: dict[Hashable, list[float]] = {}
    weighed = [1.0] * len(votes) if weights is None else weights
    for vote, score, weight in zip(votes, scores, weighed, strict=True):
        if vote is not None:
            counts[vote] = counts.get(vote, 0.0) + weight
            judged.setdefault(vote, []).extend([] if score is None else [score])
    if not counts:
        return 0.0
    most = max(counts.values())
    winners = [judged[vote] for vote, count in counts.items() if count == most and judged[vote]]
    if not winners:
        return None
    return float(np.mean([np.mean(winner) for winner in winners]))


def expected_consensus(
    votes: Sequence[Hashable | None], scores: Sequence[float | None], k: int
) -> float | None:
    """What `consensus` gives on average over all subsets of k answers, counted exactly.

    None with fewer than k answers, and where an answer that votes could not be judged.
    """
    cast = [pair for pair in zip(votes, scores, strict=True) if pair[0] is not None]
    if len(votes) < k or all(score is None for score in scores):
        return None
    worth: dict[Hashable, float] = {}
    for vote, score in cast:
        if score is None:
            return None
        worth[vote] = score
    sizes = Counter(vote for vote, _ in cast)
    wins = 0.0
    for vote in (vote for vote, score in worth.items() if score):
        others = [size for other, size in sizes.items() if other != vote]
        subsets = _wins(sizes[vote], others, len(votes) - len(cast), k)
        wins += worth[vote] * subsets / comb(len(votes), k)
    return wins


def _wins(own: int, others: Sequence[int], blank: int, k: int) -> float:
    """Subsets of k answers in which a class of `own` answers has the most; ties count by share."""
    total = 0.0
    for most in range(1, min(own, k) + 1):
        room = k - most
        ways = {(0, 0): 1}  # answers taken from the other classes, classes that tie → subsets
        for size in others:
            grown: dict[tuple[int, int], int] = {}
            for (taken, ties), count in ways.items():
                for more in range(min(size, most, room - taken) + 1):
                    key = (taken + more, ties + (more == most))
                    grown[key] = grown.get(key, 0) + count * comb(size, more)
            ways = grown
        total += comb(own, most) * sum(
            count * comb(blank, room - taken) / (ties + 1) for (taken, ties), count in ways.items()
        )
    return total


def best_of(
    scores: Sequence[float | None], rewards: Sequence[float | None], k: int
) -> float | None:
    """The score of the answer with the highest reward of k, on average over all subsets of k.

    An answer is the best of C(i, k) − C(i − 1, k) subsets when i − 1 have a lower reward; equal
    rewards share. Only judged answers take part, as in pass@k, which is its upper bound (it is
    best-of-N under a verifier that is never wrong). An answer without a reward is worse than all.
    """
    judged = sorted(
        (-inf if reward is None else reward, score)
        for score, reward in zip(scores, rewards, strict=True)
        if score is not None
    )
    if len(judged) < k:
        return None
    total, before = 0.0, 0
    for _, equal in groupby(judged, key=itemgetter(0)):
        group = [score for _, score in equal]
        chosen = comb(before + len(group), k) - comb(before, k)
        total += chosen / comb(len(judged), k) * sum(group) / len(group)
        before += len(group)
    return total


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of the values that are there."""
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None
