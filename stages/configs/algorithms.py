"""What defines an algorithm of the family (conf/algorithm, docs/algorithms.md)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Critic:
    """PPO's value model: the policy's start with a head of one number per token."""

    learning_rate_factor: float = 5.0  # times the policy's, warmed up like it
    gae_lambda: float = 1.0
    discount: float = 1.0
    clip: float = 0.2  # how far a value may move from the one at sampling before its loss is flat


@dataclass
class Rationalisation:
    """STaR's second try at a question that nobody answered: asked with a hint, trained without."""

    hint: str | None = None  # goes behind the question; {reference} is the answer; null: no hint
    samples: int = 1  # of each question that failed
    longest_reference: int = 40  # characters; a longer reference is no answer but a program or grid


@dataclass
class Probe:
    """Where samples are another model's: how right the policy is, by samples that train nothing."""

    every: int = 0  # optimiser steps; 0 is never
    questions: int = 32  # of a rollout, one sample each


@dataclass
class Algorithm:
    """How samples and rewards become a gradient.

    samples: whose they are: of the `policy` in training, of the `initial` one, or of each `round`,
        which samples from the policy that the round before it made and trains from the start again.
    advantage: what a sample weighs (stages/training/rl/algorithms/advantages.py).
    loss_type, scale_rewards: TRL's. ratio: the importance ratio of a `token` or a `sequence`, or
        `none` where the coefficient stands alone.
    clip_low, clip_high, kl_coefficient: null leaves them to the stage. dynamic_sampling: so with
        the budget of the stage's `dynamic_sampling`.
    right: terms of the reward that a right sample scores in full.
    overlong: the share of the length limit in which a reward falls from 0 to −1; 0 is off.
    """

    name: str = "grpo"
    samples: str = "policy"
    advantage: str = "group"
    loss_type: str = "grpo"
    scale_rewards: str = "group"
    ratio: str = "token"
    clip_low: float | None = None
    clip_high: float | None = None
    kl_coefficient: float | None = None
    dynamic_sampling: float | None = None
    right: list[str] = field(default_factory=lambda: ["accuracy"])
    overlong: float = 0.0
    critic: Critic = field(default_factory=Critic)
    preference_beta: float = 0.1  # DPO's β
    rounds: int = 1  # STaR's
    rationalisation: Rationalisation = field(default_factory=Rationalisation)
    probe: Probe = field(default_factory=Probe)
