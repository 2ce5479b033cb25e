"""Rows of a type as they come, without what must not be in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.settings import values
from stages.settings.edges import some, takes
from stages.settings.stage import StageConfig

LEAST_THRESHOLD = 0.7  # of near duplicates: there a pair is still proposed with probability 0.988


@dataclass
class CleanConfig(StageConfig):
    """Rows of `data_from` without repetitions, and without anything of `apart_from`.

    The thresholds are similarities; null leaves that check out (docs/data_hygiene.md).
    """

    ngram: int = MISSING  # units: words, numbers, characters of an unspaced script
    min_words: int = MISSING  # units of an n-gram that are no numbers, at least
    boilerplate_items: int = MISSING  # an n-gram in more items of a benchmark identifies none
    shingle: int = MISSING  # units in a shingle, for near duplicates
    near_duplicate: float | None = MISSING  # Jaccard similarity of shingles
    paraphrase: float | None = MISSING  # cosine of prompts
    paraphrase_same_numbers: float | None = MISSING  # the same, where the numbers are the same


def check(stage: Stage) -> Iterator[Problem]:
    """The thresholds."""
    yield from rules(stage.config)


def rules(config: CleanConfig) -> Iterator[Problem]:
    """What the thresholds cannot be."""
    yield from values.at_least(config, 1, "ngram", "shingle")
    near = config.near_duplicate
    if near is not None and not LEAST_THRESHOLD <= near <= 1:
        yield Problem(
            "near_duplicate",
            f"is {near:g}: set it from {LEAST_THRESHOLD} to 1 (below, the signatures would miss "
            "pairs), or to null for no such check",
        )
    if (config.paraphrase is None) != (config.paraphrase_same_numbers is None):
        yield Problem(
            "paraphrase",
            f"is {config.paraphrase}, and paraphrase_same_numbers is "
            f"{config.paraphrase_same_numbers}: set both, or neither",
        )


def _kind(type_: str) -> Kind:
    """A stage that gives back rows of the type that it takes."""
    edges = {
        "data_from": takes(some(type_)),
        "apart_from": takes(some("problems")),
    }
    return Kind(
        f"clean_{type_}",
        1,
        CleanConfig,
        type_,
        "stages.kinds.clean.run:run",
        light=True,
        edges=edges,
        check=check,
    )


KINDS = tuple(_kind(type_) for type_ in ("problems", "samples", "conversations"))
