"""Values of PPO: advantages and returns from rewards, and the loss of the critic.

Shapes: N samples, C completion tokens (padded right). A value belongs to the state before its token
is drawn; the reward of a sample comes with its last token.
"""

from __future__ import annotations

import torch


def advantages_and_returns(
    rewards_N: torch.Tensor,
    values_NC: torch.Tensor,
    mask_NC: torch.Tensor,
    gae_lambda: float,
    discount: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Generalised advantage estimation (arXiv 1506.02438), 0 behind the end.

    δ_t = r_t + γ V_{t+1} − V_t and A_t = δ_t + γ λ A_{t+1}; the return is A + V. With λ = γ = 1 the
    advantage is the reward minus the value.
    """
    mask_NC = mask_NC.to(values_NC.dtype)
    values_NC = values_NC * mask_NC
    last_NC = mask_NC - torch.nn.functional.pad(mask_NC, (0, 1))[:, 1:]
    next_NC = torch.nn.functional.pad(values_NC, (0, 1))[:, 1:]
    deltas_NC = rewards_N[:, None] * last_NC + discount * next_NC - values_NC
    found_NC = torch.zeros_like(values_NC)
    running_N = torch.zeros_like(rewards_N)
    for token in reversed(range(values_NC.shape[1])):
        running_N = deltas_NC[:, token] + discount * gae_lambda * running_N
        found_NC[:, token] = running_N
    found_NC = found_NC * mask_NC
    return found_NC, found_NC + values_NC


def value_loss(
    values_NC: torch.Tensor,
    old_NC: torch.Tensor,
    returns_NC: torch.Tensor,
    mask_NC: torch.Tensor,
    clip: float,
) -> torch.Tensor:
    """Half the squared error, summed over tokens; flat for values that ran further than `clip`.

    The larger of the clipped and the free error counts, as in PPO's own implementation.
    """
    near_NC = old_NC + (values_NC - old_NC).clamp(-clip, clip)
    errors_NC = torch.maximum((values_NC - returns_NC) ** 2, (near_NC - returns_NC) ** 2)
    return 0.5 * (errors_NC * mask_NC).sum()
