"""Judged rows, and the reward models that learn from them."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from stages.configs.common import (
    Optimizer,
    Parallel,
    Precision,
    Rollout,
    Sampling,
    StageConfig,
    from_root,
    outside_file,
    placement,
)
from stages.configs.health import Health
from stages.configs.prompts import Prompt


@dataclass
class Judge:
    """What the tiny judge gives a reply for being right, courteous or beside the point."""

    right: float = 4.0
    courteous: float = 2.0
    chatty: float = -1.0


@dataclass
class Judging:
    """What a model on `judge_with` is asked, and how its reply is read.

    prompt: {question}, and {first} and {second} or {response}, are filled in. verdicts: what stands
    in the reply's [[…]] → its vote.
    """

    prompt: Prompt = field(default_factory=Prompt)
    verdicts: dict[str, float] = field(default_factory=dict)
    shows: str = "answer"  # to the judge: the summary after the thought; or "response", all of it
    min_votes: int = 1  # that can be read; with fewer a pair or response is dropped
    sampling: Sampling = field(default_factory=Sampling)


@dataclass
class PreferencesConfig(StageConfig):
    """Pairs for the helpful reward model (`preferences`) or labels for the safety one (`labels`).

    Each pair is judged `votes` times in random positions and kept when the mean difference exceeds
    `margin`; lengths are balanced. Who judges, and what: see stages/preferences.py.
    """

    judge_with: str | None = None
    rows: int = MISSING
    votes: int = 4
    margin: float = 1.0
    # as many pairs with the longer response chosen as with the shorter; the others are dropped
    balance_lengths: bool = True
    judge: Judge | None = field(default_factory=Judge)  # the tiny world's; null: not asked
    judge_noise: float = 0.0
    # a file of rows: judgements, or with judge_with what is to be judged
    path: str | None = outside_file(None)
    judging: Judging = field(default_factory=Judging)
    # how the model on data_from answers the prompts there
    sampling: Sampling = field(default_factory=Sampling)
    limit_prompts: int | None = None
    system_prompt: str | None = None
    rollout: Rollout = from_root(Rollout, "rollout")


@dataclass
class RewardModelConfig(StageConfig):
    """A scalar reward model. objective: `pairwise` (helpful) or `pointwise` (safety).

    min_accuracy, max_calibration_error, max_length_bias: the gate. A model that does not pass on
    its held-out rows is published, and no other stage may use it; moving the gate trains nothing
    again. null: not asked.
    """

    objective: str = MISSING
    scores: str = MISSING  # what it reads: `answer` (what follows the thought) or `response` (all)
    optimizer: Optimizer = field(default_factory=Optimizer)
    epochs: float = MISSING
    batch_size: int = MISSING
    max_length: int = MISSING
    heldout_fraction: float = 0.1
    min_accuracy: float = placement(0.0)
    max_calibration_error: float | None = placement(None)
    max_length_bias: float | None = placement(None)  # of the correlation, without its sign
    precision: Precision = field(default_factory=Precision)
    parallel: Parallel = from_root(Parallel, "parallel", identity=False)
    micro_batch: int = placement(32)
    save_steps: int = placement(50)
    health: Health = field(default_factory=Health, metadata={"identity": False})
