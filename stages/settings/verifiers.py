"""How answers are judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from omegaconf import MISSING

from pipeline.errors import UsageError
from pipeline.kinds import Problem
from stages.settings.stage import from_root, placement
from stages.settings.values import at_least
from stages.verifiers.answer import policy_of


@dataclass
class Verifiers:
    """How answers are judged. How they are read is written down in stages/verifiers/answer.py."""

    policy: str = MISSING  # "lenient", or "strict": right answers must have been worked for
    forms: list[str] = MISSING  # of an answer
    several: str = MISSING  # different answers are "wrong", or the "last" counts
    thought: str = MISSING  # "optional", or "required", where the prompt ends with <think>
    seconds: float = MISSING  # CPU time of one answer
    workers: int = placement(MISSING)


@dataclass
class TrainingVerifiers(Verifiers):
    """How answers are judged that a model learns from."""

    policy: str = from_root("verifiers.training_policy")


def check(config: Verifiers) -> Iterator[Problem]:
    """A policy by which answers can be read, and somebody to read them."""
    try:
        policy_of(config)
    except UsageError as error:
        key, _, text = str(error).partition(": ")
        yield Problem(key, text)
    yield from at_least(config, 1, "workers", below="verifiers")
    if config.seconds <= 0:
        yield Problem("verifiers.seconds", f"is {config.seconds:g}: set it above 0, e.g. 5")
