"""Reinforcement learning: its config, and what defines an algorithm of the family.

conf/algorithm has a file for each algorithm; docs/algorithms.md tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from stages.settings.engine import Engine
from stages.settings.generation import Rollout, Sampling
from stages.settings.health import Health
from stages.settings.parallel import Parallel
from stages.settings.prompts import Prompt
from stages.settings.stage import WHEN_SET, StageConfig, from_root, later, placement
from stages.settings.training import Lora, Optimizer, Precision
from stages.settings.verifiers import TrainingVerifiers


@dataclass
class Critic:
    """PPO's value model: the policy's start with a head of one number per token."""

    learning_rate_factor: float = MISSING  # times the policy's, warmed up like it
    gae_lambda: float = MISSING
    discount: float = MISSING
    clip: float = (
        MISSING  # how far a value may move from the one at sampling before its loss is flat
    )


@dataclass
class Rationalisation:
    """STaR's second try at a question that nobody answered: asked with a hint, trained without."""

    hint: str | None = None  # goes behind the question; {reference} is the answer; null: no hint
    samples: int = MISSING  # of each question that failed
    longest_reference: int = (
        MISSING  # characters; a longer reference is no answer but a program or grid
    )


@dataclass
class Probe:
    """Where samples are another model's: how right the policy is, by samples that train nothing."""

    every: int = 0  # optimiser steps; 0 is never
    questions: int = MISSING  # of a rollout, one sample each


@dataclass
class Algorithm:
    """How samples and rewards become a gradient.

    samples: whose they are: of the `policy` in training, of the `initial` one, or of each `round`,
        which samples from the policy that the round before it made and trains from the start again.
    advantage: what a sample weighs (stages/rl/algorithms/advantages.py).
    loss_type, scale_rewards: TRL's. ratio: the importance ratio of a `token` or a `sequence`, or
        `none` where the coefficient stands alone.
    clip_low, clip_high, kl_coefficient: null leaves them to the stage. dynamic_sampling: so with
        the budget of the stage's `dynamic_sampling`.
    right: terms of the reward that a right sample scores in full.
    overlong: the share of the length limit in which a reward falls from 0 to −1; 0 is off.
    """

    name: str = MISSING
    samples: str = MISSING
    advantage: str = MISSING
    loss_type: str = MISSING
    scale_rewards: str = MISSING
    ratio: str = MISSING
    clip_low: float | None = None
    clip_high: float | None = None
    kl_coefficient: float | None = None
    dynamic_sampling: float | None = None
    right: list[str] = MISSING
    overlong: float = 0.0
    critic: Critic = field(default_factory=Critic)
    preference_beta: float = MISSING  # DPO's β
    rounds: int = MISSING  # STaR's
    rationalisation: Rationalisation = field(default_factory=Rationalisation)
    probe: Probe = field(default_factory=Probe)


@dataclass
class RewardTerm:
    """One named term of the reward.

    start, stop: when it acts; a float is a fraction of the training steps, an int is a step;
    stop null means to the end. domains: the rows it applies to; empty means all. `helpful` and
    `safety` score queries of their own kind only (stages/rows/query_kind.py).
    """

    weight: float = MISSING
    start: Any = 0.0
    stop: Any = None
    domains: list[str] = field(default_factory=list)


@dataclass
class LengthSwitch:
    """From this optimiser step on, completions may be this long (paper, 2.1: 65,536 from 8.2k)."""

    step: int = MISSING
    max_tokens: int = MISSING


@dataclass
class DynamicSampling:
    """Groups whose rewards are all equal give way to groups of the next prompts (DAPO, 3.2).

    budget: groups that a rollout may draw beyond its own, as a share of them; 0 is off.
    """

    budget: float = 0.0


@dataclass
class Curriculum:
    """Prompts that are always or never solved rest, and come back.

    rest_steps: for how many optimiser steps such a prompt is passed over; 0 is off. samples: judged
    answers, counted anew after each rest, before a prompt may rest. never, always: the pass rates
    at or below, and at or above, which it does.
    """

    rest_steps: int = 0
    samples: int = 16
    never: float = 0.0
    always: float = 1.0


@dataclass
class Validation:
    """The policy on the problems of `validate_on` while it trains (paper, figure 1a).

    every: optimiser steps from one look to the next; there is one before the first step and one
    after the last, too. 0 is off. samples: of each problem, as long as those of training may be at
    that step. limit: problems, in turn from each domain and language; null: all. policy: of the
    verifiers; evaluations have the lenient one.
    """

    every: int = 0
    samples: int = MISSING
    temperature: float = MISSING
    top_p: float = MISSING
    limit: int | None = None
    policy: str = MISSING


@dataclass
class Importance:
    """Weights for tokens that an engine said whose weights or rounding are not the policy's.

    mode, clip_min, clip_max: TRL's. By token or by sequence, the ratio of the two probabilities,
    which is cut to its bounds (`truncate`) or, outside of them, counts as 0 (`mask`).
    """

    mode: str = MISSING
    clip_min: float | None = None
    clip_max: float | None = None


@dataclass
class RLConfig(StageConfig):
    """RL with rewards by rule and by model: GRPO (DeepSeek-R1, 2.1 and 3.2) or a relative.

    domains: those whose rows of data_from are trained on, math, code, stem, logic, general; empty
    means all. What is left out is counted.
    prompts_start: by domain, when its prompts begin to be asked, as `start` of a RewardTerm; those
    of other domains are asked from the first step on.
    template: a text with {question} in place of the model's chat template, for a base that never
    met the tokens of a chat (paper, table 1); it is published with the model.
    compute_as: a trained stage. Training ends as soon as it has cost as many operations as that
    one's (stages/training/compute.py), or after max_steps.
    validate_on, validation: looked at, never learnt from, so neither is part of the identity.
    """

    compute_as: str | None = None
    validate_on: list[str] = field(default_factory=list)
    validation: Validation = field(default_factory=Validation, metadata={"identity": False})
    rewards: dict[str, RewardTerm] = field(default_factory=dict)
    domains: list[str] = field(default_factory=list)
    prompts_start: dict[str, Any] = field(default_factory=dict)
    optimizer: Optimizer = field(default_factory=Optimizer)
    sampling: Sampling = field(default_factory=Sampling)
    length_share: float | None = placement(None)  # mean length over the limit, for r1 plan --cost
    rollout: Rollout = from_root("rollout", Rollout)
    max_steps: int = MISSING
    questions_per_step: int = MISSING
    samples_per_question: int = MISSING
    steps_per_rollout: int = MISSING  # optimiser steps per rollout (the paper's 16 minibatches)
    kl_coefficient: float = MISSING
    kl_rows: int = 16  # completions per rollout that KL is measured on when it is not in the loss
    clip_low: float = MISSING
    clip_high: float = MISSING
    algorithm: Algorithm = from_root("algorithm", Algorithm)
    reference_sync_steps: int = MISSING  # 0: the reference stays as it was at the start
    length_switches: list[LengthSwitch] = field(default_factory=list)
    dynamic_sampling: DynamicSampling = field(default_factory=DynamicSampling)
    curriculum: Curriculum = field(default_factory=Curriculum)
    max_prompt_tokens: int = MISSING  # longer prompts are dropped and counted
    checking_words: list[str] = field(default_factory=list)  # counted in every completion
    system_prompt: str | None = None
    template: Prompt | None = None
    precision: Precision = field(default_factory=Precision)
    lora: Lora | None = None
    parallel: Parallel = from_root("parallel", Parallel, identity=False)
    engine: Engine = from_root("engine", Engine, identity=WHEN_SET)
    rollout_ahead: int = later(int)  # 1: draw the next rollout while this one is trained on
    importance: Importance | None = later(
        lambda: None
    )  # null: off, or nothing is apart (settle.py)
    micro_batch: int = placement(MISSING)  # sequences per forward pass
    save_steps: int = placement(MISSING)
    verifiers: TrainingVerifiers = from_root("verifiers", TrainingVerifiers)
    health: Health = field(default_factory=Health, metadata={"identity": False})
