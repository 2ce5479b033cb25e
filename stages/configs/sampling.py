"""Sampling with verification."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from stages.configs.common import (
    Rollout,
    Sampling,
    StageConfig,
    TrainingVerifiers,
    from_root,
    outside_file,
    placement,
)
from stages.configs.generative import GenerativeJudge
from stages.configs.prompts import Prompt


@dataclass
class Adaptive:
    """How the budget moves from easy problems to hard ones: stages/sampling/adaptive.py."""

    most_samples: int = 64  # that one problem may cost
    rounds: int = 16  # the budget is given out in so many parts


@dataclass
class Majority:
    """Labels by vote for problems without a reference: the most frequent answer, if it suffices."""

    samples: int = MISSING  # that vote
    min_votes: int = MISSING
    min_share: float = MISSING  # of the samples; those without an answer count against it


@dataclass
class Rewrite:
    """What a model on `rewrite_with` is asked, and what a rewritten sample must be (B.3.2).

    thought, summary: the two calls. examples: a file of pairs that people made, shown to the model
    in both calls (stages/rewriting/examples.py). filters: of the rewritten sample. wanted: the
    paper rewrites what such a stage samples, so a plan without a rewriter says what is learnt
    instead.
    """

    thought: Prompt = field(default_factory=Prompt)
    summary: Prompt = field(default_factory=Prompt)
    examples: str | None = outside_file(None)
    sampling: Sampling = field(default_factory=Sampling)
    filters: list[str] = field(default_factory=list)
    min_language_consistency: float = 1.0
    wanted: bool = placement(False)


@dataclass
class SampleConfig(StageConfig):
    """Sampling with verification: cold-start data and rejection sampling (paper, B.3).

    strategy: `fixed` draws samples_per_problem of every problem; `adaptive` draws as many in all.
    """

    rewrite_with: str | None = None
    judge_with: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    rollout: Rollout = from_root(Rollout, "rollout")
    strategy: str = "fixed"
    samples_per_problem: int = MISSING
    adaptive: Adaptive = field(default_factory=Adaptive)
    max_kept_per_problem: int = MISSING
    limit_problems: int | None = None
    majority: Majority | None = None  # null: problems without a reference are left out, and counted
    filters: list[str] = field(default_factory=list)  # e.g. mixed_language, truncated, repetition
    min_language_consistency: float = 0.0
    max_paragraph_characters: int = 4000
    max_repetition: float = 0.5  # share of a thought's phrases that stood in it before
    max_resemblance: float = 0.9  # from here on two answers to a problem are near duplicates
    rewriter: str | None = None  # or `model` (on rewrite_with), or `tiny`: rewrite and sum up
    rewrite: Rewrite = field(default_factory=Rewrite)
    generative_judge: GenerativeJudge | None = None  # how judge_with judges what rules cannot
    system_prompt: str | None = None
    verifiers: TrainingVerifiers = from_root(TrainingVerifiers, "verifiers")


@dataclass
class ReviewedConfig(StageConfig):
    """Rows of `data_from` that people kept or corrected on a sheet of `r1 review`.

    without_verdict: `error` asks for a verdict on every row, `drop` leaves the others out, counted.
    """

    sheet: str = outside_file(MISSING)
    without_verdict: str = "error"
    verifiers: TrainingVerifiers = from_root(TrainingVerifiers, "verifiers")
