"""Rows of a type as they come, without what must not be in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.settings import parts, values
from stages.settings.edges import some, takes
from stages.settings.parts import MixturePart
from stages.settings.stage import GivenConfig, later

TYPES = ("problems", "samples", "conversations", "preferences", "labels")
PROVES = "prove_problems"
LEAST_THRESHOLD = 0.7  # of near duplicates: there a pair is still proposed with probability 0.988


@dataclass
class CleanConfig(GivenConfig):
    """Rows of `data_from` without repetitions, and without anything of `apart_from`.

    The thresholds are similarities; null leaves that check out (docs/data_hygiene.md). Of what is
    left, `rows` and `parts` say how much is taken: a row goes to the first part that it matches.
    """

    ngram: int = MISSING  # units: words, numbers, characters of an unspaced script
    min_words: int = MISSING  # units of an n-gram that are no numbers, at least
    boilerplate_items: int = MISSING  # an n-gram in more items of a benchmark identifies none
    shingle: int = MISSING  # units in a shingle, for near duplicates
    near_duplicate: float | None = MISSING  # Jaccard similarity of shingles
    paraphrase: float | None = MISSING  # cosine of prompts
    paraphrase_same_numbers: float | None = MISSING  # the same, where the numbers are the same
    parts: dict[str, MixturePart] = later(dict)  # empty: every row
    rows: int | None = later(lambda: None)  # at most so many in all, divided by the parts' shares


def check(stage: Stage) -> Iterator[Problem]:
    """The thresholds, and parts of rows that there can be."""
    config: CleanConfig = stage.config
    yield from rules(config)
    yield from parts.matched(config.parts, [*origins(stage)])


def origins(stage: Stage) -> Iterator[str]:
    """The stages by which a part may name rows: the inputs, and what they proved row by row."""
    for source in stage.inputs["data_from"]:
        yield source.name
        if source.kind.name == PROVES:
            yield from (one.name for one in source.inputs["data_from"])


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
    yield from _caps(config)


def _caps(config: CleanConfig) -> Iterator[Problem]:
    """Caps and shares that can be kept to; rows are counted here, not tokens."""
    yield from values.at_least(config, 1, "rows")
    yield from parts.shares(config.parts)
    for name, part in config.parts.items():
        if part.tokens is not None:
            yield Problem(f"parts.{name}.tokens", "is set, and a clean stage counts rows: set rows")
        if config.rows is not None and part.share is None:
            yield Problem(
                f"parts.{name}.share",
                f"is null, and rows ({config.rows}) are divided by shares: set it, 0 for none",
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
        work="stages.kinds.clean.work:work",
    )


KINDS = tuple(_kind(type_) for type_ in TYPES)
