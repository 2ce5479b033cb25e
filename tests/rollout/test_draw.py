"""Draws are the distribution they should be: counted, not believed."""

from __future__ import annotations

import pytest
import torch

from stages.rollout.draw import draw, uniforms
from stages.settings.generation import Sampling

LOGITS = torch.tensor([0.0, 2.0, -1.0, 1.0, 1.5, -3.0])
DRAWS = 200_000


def frequencies(sampling: Sampling) -> torch.Tensor:
    rows = LOGITS.expand(DRAWS, -1)
    tokens, _ = draw(rows, torch.arange(DRAWS), 7, sampling)
    return torch.bincount(tokens, minlength=len(LOGITS)) / DRAWS


def expected(sampling: Sampling) -> torch.Tensor:
    """Top-k and top-p as written in every textbook: sort, cut, renormalise."""
    probs = (LOGITS / sampling.temperature).softmax(-1)
    order = probs.argsort(descending=True)
    if sampling.top_k:
        probs[order[sampling.top_k :]] = 0
        probs /= probs.sum()
    kept, mass = [], 0.0
    for token in order.tolist():
        if mass < sampling.top_p:
            kept.append(token)
        mass += float(probs[token])
    cut = torch.zeros_like(probs)
    cut[kept] = probs[kept]
    return cut / cut.sum()


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(1.0, max_tokens=1),
        Sampling(0.6, max_tokens=1),
        Sampling(1.0, top_p=0.8, max_tokens=1),
        Sampling(0.6, top_p=0.95, max_tokens=1),
        Sampling(1.0, top_k=3, max_tokens=1),
        Sampling(1.3, top_p=0.7, top_k=4, max_tokens=1),
    ],
    ids=["free", "cooler", "top-p", "paper", "top-k", "both"],
)
def test_drawn_frequencies_are_the_truncated_distribution(sampling):
    found, right = frequencies(sampling), expected(sampling)
    assert (found - right).abs().max() < 4 / DRAWS**0.5  # four standard errors at most
    assert found[right == 0].sum() == 0


def test_uniforms_are_uniform_and_independent_of_neighbouring_seeds_and_positions():
    grid = torch.stack([uniforms(torch.arange(1000) + 2**40, step) for step in range(200)])
    assert grid.min() > 0
    assert grid.max() <= 1
    assert abs(float(grid.mean()) - 0.5) < 0.004
    centred = grid - 0.5
    for shifted in (centred.roll(1, 0), centred.roll(1, 1)):
        assert abs(float((centred * shifted).mean()) * 12) < 0.01


def test_logprobs_are_of_the_policy_before_it_is_cut():
    sampling = Sampling(0.5, top_p=0.5, max_tokens=1)
    tokens, logps = draw(LOGITS[None], torch.tensor([3]), 0, sampling)
    assert logps.item() == pytest.approx((LOGITS / 0.5).log_softmax(-1)[tokens[0]].item(), abs=1e-6)
