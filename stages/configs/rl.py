"""Reinforcement learning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from stages.configs.common import (
    Lora,
    Optimizer,
    Precision,
    Rollout,
    Sampling,
    StageConfig,
    Verifiers,
    placement,
)


@dataclass
class RewardTerm:
    """One named term of the reward.

    start, stop: when it acts; a float is a fraction of the training steps, an int is a step;
    stop null means to the end. domains: the rows it applies to; empty means all.
    """

    weight: float = 1.0
    start: Any = 0.0
    stop: Any = None
    domains: list[str] = field(default_factory=list)


@dataclass
class LengthSwitch:
    """From this optimiser step on, completions may be this long (paper, 2.3: 65,536 from 8.2k)."""

    step: int = MISSING
    max_tokens: int = MISSING


@dataclass
class RLConfig(StageConfig):
    """GRPO with rewards by rule and by model (DeepSeek-R1, sections 2.2 and 3.2)."""

    rewards: dict[str, RewardTerm] = field(default_factory=dict)
    optimizer: Optimizer = field(default_factory=Optimizer)
    sampling: Sampling = field(default_factory=Sampling)
    rollout: Rollout = field(default_factory=Rollout)
    max_steps: int = MISSING
    questions_per_step: int = MISSING
    samples_per_question: int = MISSING
    steps_per_rollout: int = 1  # optimiser steps per rollout (the paper's 16 minibatches)
    kl_coefficient: float = 0.0
    kl_rows: int = 16  # completions per rollout that KL is measured on when it is not in the loss
    clip_low: float = 0.2
    clip_high: float = 0.28
    loss_type: str = "grpo"
    scale_rewards: str = "group"
    reference_sync_steps: int = 0  # 0: the reference stays as it was at the start
    length_switches: list[LengthSwitch] = field(default_factory=list)
    max_prompt_tokens: int = MISSING  # longer prompts are dropped and counted
    checking_words: list[str] = field(default_factory=list)  # counted in every completion
    system_prompt: str | None = None
    precision: Precision = field(default_factory=Precision)
    lora: Lora | None = None
    micro_batch: int = placement(64)  # sequences per forward pass
    save_steps: int = placement(25)
    verifiers: Verifiers = field(default_factory=Verifiers)
