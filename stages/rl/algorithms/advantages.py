"""What each sample's reward weighs in the gradient: DeepSeekMath's gradient coefficient.

DeepSeekMath (arXiv 2402.03300, 5.2) writes every method as Σ coefficient · ∇ log π(sample) and
tells them apart by data source, reward and coefficient. The coefficients of `algorithm.advantage`:

    group           r − mean of the group, divided by a standard deviation   GRPO, DAPO, GSPO
    leave_one_out   r − mean of the group's other samples                    RLOO (2402.14740)
    right           1 for a right sample, 0 for a wrong one                  RFT, online RFT, STaR
    value           the reward itself; the critic turns it into advantages   PPO (critic.py)
    preference      right and wrong samples; pairs make the coefficients     DPO (offline.py)

Shapes: N samples, a question's `group` samples in a row; T terms of the reward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from trl.trainer.utils import nanstd

from stages.rl.rewards import without_signal

if TYPE_CHECKING:
    from stages.kinds.rl.config import Algorithm


#: Advantages that compare the samples of a question: equal rewards say nothing.
COMPARING = frozenset({"group", "leave_one_out"})

SMALL = 1e-4  # TRL's, so that a standard deviation of 0 divides nothing
FULL = 1 - 1e-6  # a term that scores this much has said yes


def advantages(
    algorithm: Algorithm,
    rewards_N: torch.Tensor,
    group: int,
    right_N: torch.Tensor | None = None,
) -> torch.Tensor:
    """One number per sample; 0 where the reward is NaN, which is "cannot be judged".

    right_N: which samples are right (`right`), for what asks it in place of the reward.
    """
    if algorithm.advantage in ("right", "preference"):
        assert right_N is not None
        return right_N.to(rewards_N.dtype)
    if algorithm.advantage == "value":
        return rewards_N.nan_to_num(nan=0.0)
    if algorithm.advantage == "leave_one_out":
        found_N = _leave_one_out(rewards_N, group)
    else:
        found_N = rewards_N - _spread(torch.nanmean(rewards_N.view(-1, group), dim=1), group)
    if algorithm.scale_rewards == "group":
        found_N = found_N / (_spread(nanstd(rewards_N.view(-1, group), dim=1), group) + SMALL)
    elif algorithm.scale_rewards == "batch":
        found_N = found_N / (nanstd(rewards_N) + SMALL)
    return found_N.nan_to_num(nan=0.0)


def of_rollout(
    algorithm: Algorithm,
    rewards_NT: torch.Tensor,
    weights_T: torch.Tensor,
    names: Sequence[str],
    group: int,
) -> torch.Tensor:
    """What each sample of a rollout weighs; rewards and weights by term, `names` are the terms'.

    Where samples are compared, equal rewards are exactly 0 and not TRL's rounding noise.
    """
    total_N = (rewards_NT * weights_T.to(rewards_NT.device).unsqueeze(0)).nansum(1)
    total_N[rewards_NT.isnan().all(1)] = torch.nan
    right_N = None
    if algorithm.advantage in ("right", "preference"):
        right_N = right(algorithm.right, names, rewards_NT)
    found_N = advantages(algorithm, total_N, group, right_N)
    if algorithm.advantage in COMPARING:
        equal_G = without_signal(rewards_NT, weights_T, group)
        found_N = found_N.masked_fill(_spread(equal_G, group), 0.0)
    return found_N


def right(terms: Sequence[str], names: Sequence[str], scores_NT: torch.Tensor) -> torch.Tensor:
    """Which samples score in full in each of `terms`; what cannot be judged is not right."""
    columns = [names.index(term) for term in terms]
    return (scores_NT[:, columns].nan_to_num(nan=0.0) >= FULL).all(-1)


def _leave_one_out(rewards_N: torch.Tensor, group: int) -> torch.Tensor:
    """r minus the mean of the other samples that could be judged; NaN where there is none."""
    rewards_GK = rewards_N.view(-1, group)
    others_GK = (~rewards_GK.isnan()).sum(1, keepdim=True) - 1
    sums_GK = rewards_GK.nansum(1, keepdim=True) - rewards_GK
    alone_GK = (others_GK < 1).expand_as(rewards_GK)
    found_GK = rewards_GK - sums_GK / others_GK.clamp(min=1)
    return found_GK.masked_fill(alone_GK, torch.nan).flatten()


def _spread(values_G: torch.Tensor, group: int) -> torch.Tensor:
    return values_G.repeat_interleave(group)
