"""Sampling with verification: its config."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from stages.settings.generation import Rollout, Sampling
from stages.settings.prompts import Prompt
from stages.settings.stage import StageConfig, from_root, outside_file, placement
from stages.settings.verifiers import TrainingVerifiers


@dataclass
class GenerativeJudge:
    """How the model on `judge_with` judges an answer beside its reference (paper, B.3.3).

    votes: replies to each answer; more than half must say the same. max_characters: a longer answer
    is not shown. labelled: rows with known verdicts (question, reference, answer, right), on which
    the judge is measured before it may score. min_labelled: of each of right and wrong, at least.
    min_agreement: the share of them that it must judge as labelled. max_false_positives: of the
    share of wrong ones that it calls right, the upper end of the 95 % interval.
    """

    prompt: Prompt = field(default_factory=Prompt)
    sampling: Sampling = field(default_factory=Sampling)
    votes: int = MISSING
    max_characters: int = MISSING
    labelled: str = outside_file(MISSING)
    min_labelled: int = MISSING
    min_agreement: float = MISSING
    max_false_positives: float = MISSING


@dataclass
class Adaptive:
    """How the budget moves from easy problems to hard ones: stages/sampling/adaptive.py."""

    most_samples: int = MISSING  # that one problem may cost
    rounds: int = MISSING  # the budget is given out in so many parts


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
    length_share: float | None = placement(None)  # mean length over the limit, for r1 plan --cost
    rollout: Rollout = from_root("rollout", Rollout)
    strategy: str = MISSING
    samples_per_problem: int = MISSING
    adaptive: Adaptive = field(default_factory=Adaptive)
    max_kept_per_problem: int = MISSING
    limit_problems: int | None = None
    majority: Majority | None = None  # null: problems without a reference are left out, and counted
    filters: list[str] = field(default_factory=list)  # e.g. mixed_language, truncated, repetition
    min_language_consistency: float = 0.0
    max_paragraph_characters: int = 4000
    max_repetition: float = 0.5  # share of a thought's phrases that stood in it before
    max_resemblance: float = MISSING  # from here on two answers to a problem are near duplicates
    rewriter: str | None = None  # or `model` (on rewrite_with), or `tiny`: rewrite and sum up
    rewrite: Rewrite = field(default_factory=Rewrite)
    generative_judge: GenerativeJudge | None = None  # how judge_with judges what rules cannot
    system_prompt: str | None = None
    verifiers: TrainingVerifiers = from_root("verifiers", TrainingVerifiers)
