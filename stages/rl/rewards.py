"""The stage's reward terms as TRL's reward functions, and which groups give no signal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from stages.rewards.terms import Term

EQUAL = 1e-6  # rewards of a group that differ by less than this share of their size are equal


class DrawnScores:
    """One term as TRL asks for it; the scores are those that the groups were drawn with."""

    def __init__(self, name: str, scores: Callable[[], list[float | None]]) -> None:
        self.scores = scores
        self.__name__ = name  # TRL logs it as rewards/<name>/mean

    def __call__(self, **columns: Any) -> list[float | None]:
        return self.scores()


def weights_at(terms: Sequence[Term], step: int) -> torch.Tensor:
    """The weights of the terms at an optimiser step, counted from 0."""
    return torch.tensor([term.weight_at(step) for term in terms], dtype=torch.float32)


def without_signal(rewards_NT: torch.Tensor, weights_T: torch.Tensor, group: int) -> torch.Tensor:
    """Per group: are all its rewards equal? TRL's advantage is then rounding noise, not zero."""
    total_NT = (rewards_NT * weights_T.to(rewards_NT.device)).nansum(-1)
    total = total_NT.masked_fill(rewards_NT.isnan().all(-1), torch.nan).view(-1, group)
    low = total.nan_to_num(nan=torch.inf).amin(-1)
    high = total.nan_to_num(nan=-torch.inf).amax(-1)
    return high - low <= EQUAL * torch.clamp(high.abs(), min=1.0)
