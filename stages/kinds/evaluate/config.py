"""Held-out evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from stages.settings.generation import Rollout, Sampling
from stages.settings.prompts import Prompt
from stages.settings.stage import StageConfig, from_root, later, placement
from stages.settings.tiny_judge import Judge
from stages.settings.verifiers import Verifiers


@dataclass
class Voted:
    """One in `every` problems of a domain and language is asked `samples` times.

    What one sample tells, as pass@1, is surest where many problems are asked a few times; a vote,
    pass@k and best-of-k need many samples, and so are measured on these problems alone.
    """

    every: int = MISSING
    samples: int = MISSING


@dataclass
class EvaluateConfig(StageConfig):
    """Held-out evaluation: pass@1 over k samples, pass@k, cons@k, format, language, length.

    prompts: by verifier, what a question is asked inside of (stages/scoring/asking.py). template: a
    text with {question} in place of the model's chat template, for a base that never met the tokens
    of a chat; a model that RL made from it has it already. bootstrap_draws: intervals alone depend
    on it, so it is no part of the identity.
    """

    sampling: Sampling = field(default_factory=Sampling)
    length_share: float | None = placement(None)  # mean length over the limit, for r1 plan --cost
    rollout: Rollout = from_root("rollout", Rollout)
    samples_per_problem: int = MISSING
    # a benchmark is asked as often as it says (`samples` in conf/data), where it says so
    samples_of_benchmark: bool = placement(False)
    samples_of: list[int] = field(default_factory=list)  # by place in data_from; set from that
    voted: Voted | None = later(lambda: None)  # null: votes are taken of all problems
    limit_problems: int | None = None
    pass_at: list[int] = field(default_factory=lambda: [1])
    budgets: list[int] = field(default_factory=list)  # thinking is cut after so many tokens
    waits: list[int] = field(default_factory=list)  # thinking is made to go on so many times
    wait_words: dict[str, str] = field(default_factory=dict)  # language → what makes it go on
    checking_words: list[str] = field(default_factory=list)  # counted in every completion
    answer_tokens: int = 64  # room for what follows a thought that was ended at its budget
    system_prompt: str | None = None
    template: Prompt | None = None
    prompts: dict[str, Prompt] | None = None
    verifiers: Verifiers = from_root("verifiers", Verifiers)
    judge: Judge | None = later(lambda: None)  # the tiny world's; its own score of replies is told
    bootstrap_draws: int = from_root("bootstrap.draws", identity=False)
