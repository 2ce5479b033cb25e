"""Judged rows, and the reward models that learn from them."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from stages.configs.common import Optimizer, Precision, StageConfig, outside_file, placement


@dataclass
class Judge:
    """What the tiny judge gives a reply for being right, courteous or beside the point."""

    right: float = 4.0
    courteous: float = 2.0
    chatty: float = -1.0


@dataclass
class PreferencesConfig(StageConfig):
    """Pairs for the helpful reward model (`preferences`) or labels for the safety one (`labels`).

    Each pair is judged `votes` times in random positions and kept when the mean difference exceeds
    `margin`; lengths are balanced.
    """

    rows: int = MISSING
    votes: int = 4
    margin: float = 1.0
    judge: Judge = field(default_factory=Judge)
    judge_noise: float = 0.0
    # a JSONL or Parquet file of judgements in place of the tiny judge
    path: str | None = outside_file(None)


@dataclass
class RewardModelConfig(StageConfig):
    """A scalar reward model. objective: `pairwise` (helpful) or `pointwise` (safety).

    min_accuracy, max_calibration_error, max_length_bias: the gate. A model that does not pass on
    its held-out rows is published, and no other stage may use it; moving the gate trains nothing
    again. null: not asked.
    """

    objective: str = MISSING
    scores: str = MISSING  # what it reads: `answer` (the final answer only) or `response` (all)
    optimizer: Optimizer = field(default_factory=Optimizer)
    epochs: float = MISSING
    batch_size: int = MISSING
    max_length: int = MISSING
    heldout_fraction: float = 0.1
    min_accuracy: float = placement(0.0)
    max_calibration_error: float | None = placement(None)
    max_length_bias: float | None = placement(None)  # of the correlation, without its sign
    precision: Precision = field(default_factory=Precision)
    micro_batch: int = placement(32)
    save_steps: int = placement(50)
