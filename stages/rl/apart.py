"""Whether engines sample from copies of the policy. No torch here: checks use it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig


def apart(config: RLConfig) -> bool:
    """Whether engines have copies of the weights, in processes of their own."""
    return config.rollout.engine != "transformers" or config.rollout_ahead > 0


def weighs(config: RLConfig) -> bool:
    """Whether tokens weigh by how far the policy and the engine that said them are apart."""
    return apart(config) and config.algorithm.samples == "policy"
