"""Problems whose references prove themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.proving.refusals import faults
from stages.settings import verifiers
from stages.settings.edges import any_of, some, takes
from stages.settings.stage import GivenConfig, from_root, placement
from stages.settings.verifiers import TrainingVerifiers


@dataclass
class PassRate:
    """Rows that are solved more often than `above` and less often than `below` teach."""

    above: float = MISSING
    below: float = MISSING


@dataclass
class ProveConfig(GivenConfig):
    """Rows of `data_from` that prove themselves, in their order; none that is too easy or hard.

    max_refused, max_same_answer: of each source; a gate, so moving it proves nothing again.
    pass_rate: by the samples of `score_with`, or as a row's metadata says; null: not asked.
    """

    verifiers: TrainingVerifiers = from_root("verifiers", TrainingVerifiers)
    max_refused: float = placement(MISSING)  # share of a source's rows that may be dropped
    max_same_answer: float = placement(MISSING)  # share of a source's rows with one reference
    pass_rate: PassRate | None = None


def check(stage: Stage) -> Iterator[Problem]:
    """Shares that can be."""
    yield from rules(stage.config)
    if stage.config.score_with and stage.config.pass_rate is None:
        yield Problem(
            "pass_rate",
            "is null, and score_with says how often rows were solved: set it to "
            "{above: 0.0, below: 1.0}, or score_with to []",
        )


def rules(config: ProveConfig) -> Iterator[Problem]:
    """Shares from 0 to 1, and verifiers that can read answers."""
    yield from verifiers.check(config.verifiers)
    for key in ("max_refused", "max_same_answer"):
        value = getattr(config, key)
        if not 0 <= value <= 1:
            yield Problem(key, f"is {value:g}: set it to a share from 0 to 1")
    rate = config.pass_rate
    if rate is not None and not 0 <= rate.above < rate.below <= 1:
        yield Problem(
            "pass_rate",
            f"is above {rate.above:g} and below {rate.below:g}: no rate lies between; set e.g. "
            "{above: 0.0, below: 1.0}",
        )


def gate(stage: Stage, facts: Mapping[str, Any]) -> Iterator[Problem]:
    """The same shares, of a result that was made when more was allowed."""
    config: ProveConfig = stage.config
    for key, text in faults(facts["sources"], config.max_refused, config.max_same_answer):
        yield Problem(key, text)


KINDS = (
    Kind(
        "prove_problems",
        1,
        ProveConfig,
        "problems",
        "stages.kinds.prove.run:run",
        edges={
            "data_from": takes(some("problems")),
            "score_with": takes(any_of("samples", "evaluation")),
        },
        check=check,
        gate=gate,
        light=True,
        work="stages.kinds.prove.work:work",
    ),
)
