"""Pairs of right and wrong samples, and what each weighs in DPO's gradient (arXiv 2305.18290, 4).

The gradient of −log σ(β m), with m the policy's log-ratio to the reference of the right sample
minus that of the wrong one, is −β σ(−β m) (∇ log π(right) − ∇ log π(wrong)): a coefficient for
each sample.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

NO_PAIR = -1


def pair_up(right_N: torch.Tensor, group: int) -> torch.Tensor:
    """The number of each sample's pair: a question's i-th right with its i-th wrong sample."""
    pairs_N = torch.full_like(right_N, NO_PAIR, dtype=torch.long)
    count = 0
    for first in range(0, len(right_N), group):
        flags = right_N[first : first + group] > 0
        rights, wrongs = flags.nonzero()[:, 0], (~flags).nonzero()[:, 0]
        number = min(len(rights), len(wrongs))
        names = torch.arange(count, count + number, device=right_N.device)
        pairs_N[first + rights[:number]] = names
        pairs_N[first + wrongs[:number]] = names
        count += number
    return pairs_N


def coefficients(
    ratio_N: torch.Tensor, right_N: torch.Tensor, pairs_N: torch.Tensor, beta: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """What ∇ log π of each sample weighs in the mean over pairs, times −1; and that mean loss.

    ratio_N: log π − log π of the reference, of whole samples. Both of a pair must be in the batch.
    """
    found_N = torch.zeros_like(ratio_N)
    rights_P = _members(pairs_N, right_N > 0)
    wrongs_P = _members(pairs_N, right_N <= 0)
    if not len(rights_P):
        return found_N, ratio_N.new_zeros(())
    margins_P = beta * (ratio_N[rights_P] - ratio_N[wrongs_P])
    weights_P = beta * torch.sigmoid(-margins_P) / len(margins_P)
    found_N[rights_P] = weights_P
    found_N[wrongs_P] = -weights_P
    return found_N, F.softplus(-margins_P).mean()


def _members(pairs_N: torch.Tensor, among_N: torch.Tensor) -> torch.Tensor:
    """The rows of one side, by the number of their pair."""
    rows = ((pairs_N != NO_PAIR) & among_N).nonzero()[:, 0]
    return rows[pairs_N[rows].argsort()]
