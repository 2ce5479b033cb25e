"""Which trainer an algorithm needs. GRPO's takes all that differ by advantage, loss and ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stages.rl.algorithms.offline import OfflineTrainer, PreferenceTrainer, RoundTrainer
from stages.rl.algorithms.ppo import PPOTrainer
from stages.rl.trainer import RecipeGRPOTrainer

if TYPE_CHECKING:
    from stages.kinds.rl.config import Algorithm


def trainer_for(algorithm: Algorithm) -> type[RecipeGRPOTrainer]:
    """The class; stages/kinds/rl/algorithm_check.py refuses combinations that none of them does."""
    if algorithm.advantage == "value":
        return PPOTrainer
    if algorithm.samples == "round":
        return RoundTrainer
    if algorithm.advantage == "preference":
        return PreferenceTrainer
    return OfflineTrainer if algorithm.samples == "initial" else RecipeGRPOTrainer
