"""How many samples each prompt gets next: a pure function of what was seen so far.

A fixed number of samples a prompt spends most of them on easy prompts whose quota is long full, and
too few on hard ones. Here the budget is given out in rounds, each where an accepted and different
answer is likeliest per token: easy prompts fill first, and what they leave goes to the hard ones.

What is believed of a prompt, after n samples of which `accepted` passed and `distinct` of those
differ from each other:

    its acceptance rate     Beta(a + accepted, b + n - accepted)
    P(an accepted answer is new) = θ / (θ + accepted), the Chinese restaurant process, whose
                            likelihood of θ is θ^distinct Γ(θ) / Γ(θ + accepted)

The priors, a and b and the weights of θ on a grid, are fitted by maximum likelihood to all prompts
of the same group (domain and language), with some weight of the prompts of all groups. Both
likelihoods are those of the draws themselves, so stopping early where answers came does not bias
them. What is left out: that a prompt's longer answers may be the right ones, and that its new
answers may become rarer faster than θ says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BORROWED = 20.0  # prompts' worth of all groups that the fit of a group takes in
COST_SAMPLES = 4.0  # samples' worth of the group's mean length in a prompt's expected length
_MEANS = np.linspace(0.02, 0.98, 25)
_STRENGTHS = 2.0 ** np.arange(-1, 6)
_THETAS = np.geomspace(0.02, 300.0, 16)
_EM_STEPS = 30


@dataclass(frozen=True)
class Counts:
    """What is known of P prompts.

    drawn, accepted, distinct: samples so far. tokens: spent on them. group: a number for the
    prompt's domain and language.
    """

    drawn: np.ndarray
    accepted: np.ndarray
    distinct: np.ndarray
    tokens: np.ndarray
    group: np.ndarray


@dataclass(frozen=True)
class Limits:
    """quota: distinct answers wanted of a prompt. most: samples that one prompt may cost."""

    quota: int
    most: int


def allocate(counts: Counts, limits: Limits, samples: int) -> np.ndarray:
    """How many of `samples` each prompt gets next; fewer in all where prompts are full.

    No prompt gets more at once than it had before, as its rate is a guess until then; one that was
    never asked gets none.
    """
    room = np.where(counts.distinct < limits.quota, limits.most - counts.drawn, 0)
    room = np.clip(room, 0, counts.drawn)
    gains = _gains(counts, limits.quota, int(room.max(initial=0)))
    gains[np.arange(gains.shape[1]) >= room[:, None]] = 0.0
    best = np.argsort(-gains, axis=None, kind="stable")[:samples]
    best = best[gains.ravel()[best] > 0]
    return np.bincount(best // max(1, gains.shape[1]), minlength=len(room))


def _gains(counts: Counts, quota: int, most: int) -> np.ndarray:
    """(P, most): the distinct answers that the 1st, 2nd, … next sample adds, per token."""
    rate, theta, cost = _beliefs(counts)
    wanted = np.maximum(quota - counts.distinct, 0)
    short = np.zeros((len(rate), quota))  # probability that so many of the wanted ones have come
    short[:, 0] = 1.0
    gains = np.zeros((len(rate), most))
    for sample in range(most):
        seen = (counts.accepted + sample * rate)[:, None]
        new = rate * (theta * (_THETAS / (_THETAS + seen))).sum(1)
        open_ = np.where(np.arange(quota) < wanted[:, None], short, 0.0)
        gains[:, sample] = new * open_.sum(1) / cost
        moved = open_ * new[:, None]
        short = open_ - moved
        short[:, 1:] += moved[:, :-1]
    return np.minimum.accumulate(gains, axis=1)


def _beliefs(counts: Counts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each prompt: expected acceptance rate, posterior of θ (P, grid), expected tokens."""
    prior = beta_priors(counts.accepted, counts.drawn, counts.group)
    rate = (prior[:, 0] + counts.accepted) / (prior.sum(1) + counts.drawn)
    pairs, where = np.unique(
        np.stack([counts.accepted, counts.distinct], 1), axis=0, return_inverse=True
    )
    likelihood, where = _theta_likelihood(pairs[:, 0], pairs[:, 1]), where.ravel()
    theta = np.empty((len(rate), len(_THETAS)))
    cost = np.empty(len(rate))
    for group in np.unique(counts.group):
        own = counts.group == group
        shares = np.bincount(where, weights=_shares(own), minlength=len(pairs))
        theta[own] = (likelihood * _mixture(likelihood, shares))[where[own]]
        mean = counts.tokens[own].sum() / max(1, counts.drawn[own].sum())
        tokens = counts.tokens[own] + COST_SAMPLES * max(mean, 1.0)
        cost[own] = tokens / (counts.drawn[own] + COST_SAMPLES)
    return rate, theta / theta.sum(1, keepdims=True), cost


def beta_priors(successes: np.ndarray, trials: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(P, 2): a and b of each prompt's group, the likeliest on a grid of means and strengths."""
    pairs, where = np.unique(np.stack([successes, trials], 1), axis=0, return_inverse=True)
    means, strengths = (x.ravel() for x in np.meshgrid(_MEANS, _STRENGTHS, indexing="ij"))
    grid = np.stack([means * strengths, (1 - means) * strengths], 1)
    likelihood = _log_beta_binomial(pairs[:, 0], pairs[:, 1], grid)  # (pairs, grid)
    priors = np.empty((len(trials), 2))
    for name in np.unique(group):
        own = group == name
        counts = np.bincount(where.ravel(), weights=_shares(own), minlength=len(pairs))
        priors[own] = grid[(counts @ likelihood).argmax()]
    return priors


def _shares(own: np.ndarray) -> np.ndarray:
    """How much each prompt weighs in the fit of a group: its own 1 and a little of all."""
    return own + BORROWED / len(own)


def _log_beta_binomial(s: np.ndarray, n: np.ndarray, grid: np.ndarray) -> np.ndarray:
    most = int(n.max(initial=0))
    rise = [_log_rising(x, most) for x in (grid[:, 0], grid[:, 1], grid.sum(1))]
    log: np.ndarray = rise[0][:, s] + rise[1][:, n - s] - rise[2][:, n]
    return log.T


def _theta_likelihood(accepted: np.ndarray, distinct: np.ndarray) -> np.ndarray:
    """(P, grid), the largest of each prompt 1."""
    rise = _log_rising(_THETAS, int(accepted.max(initial=0)))
    log = distinct[:, None] * np.log(_THETAS) - rise[:, accepted].T
    likelihood: np.ndarray = np.exp(log - log.max(1, keepdims=True))
    return likelihood


def _log_rising(x: np.ndarray, most: int) -> np.ndarray:
    """(x, most + 1): log Γ(x + k) / Γ(x) for k = 0 … most."""
    steps = np.log(x[:, None] + np.arange(most))
    return np.concatenate([np.zeros((len(x), 1)), steps.cumsum(1)], 1)


def _mixture(likelihood: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The likeliest weights of the grid (expectation maximisation), none of them nought."""
    weights = np.full(likelihood.shape[1], 1 / likelihood.shape[1])
    for _ in range(_EM_STEPS):
        posterior = likelihood * weights
        posterior /= posterior.sum(1, keepdims=True)
        weights = shares @ posterior / shares.sum() + 1e-3
        weights /= weights.sum()
    return weights
