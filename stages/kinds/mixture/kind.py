"""Rows of several stages as one set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.kinds import Kind, Problem, Stage
from stages.settings import files, values
from stages.settings.edges import ROWS, at_most_one, some, takes
from stages.settings.stage import StageConfig

UNITS = ("rows", "tokens")


@dataclass
class MixturePart:
    """What a part of a mixture takes: rows that match every list that is not empty.

    rows, tokens: at most so many. share: its proportion; all parts have one, or none has.
    """

    stages: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    rows: int | None = None
    tokens: int | None = None
    share: float | None = None


@dataclass
class MixtureConfig(StageConfig):
    """Rows of several stages as one set; a row goes to the first part that it matches."""

    parts: dict[str, MixturePart] = field(default_factory=dict)  # empty: every row
    shares_of: str = "rows"  # or tokens


def check(stage: Stage) -> Iterator[Problem]:
    """Shares that can be kept to, of languages that there are."""
    yield from rules(stage.config)
    yield from _languages(stage)


def rules(config: MixtureConfig) -> Iterator[Problem]:
    """Shares that can be kept to."""
    yield from values.one_of("shares_of", config.shares_of, UNITS)
    for name, part in config.parts.items():
        yield from values.at_least(part, 0, "rows", "tokens", "share", below=f"parts.{name}")
    given = [part.share for part in config.parts.values() if part.share is not None]
    if given and len(given) < len(config.parts):
        silent = [name for name, part in config.parts.items() if part.share is None]
        yield Problem(
            "parts", f"{', '.join(silent)} have no share: give all parts one (0: none), or none"
        )
    if given and sum(given) <= 0:
        yield Problem("parts", f"shares are {given}: their sum must be above 0")


def _languages(stage: Stage) -> Iterator[Problem]:
    """A part of a language that no row can have would be empty."""
    config: MixtureConfig = stage.config
    for name, part in config.parts.items():
        for number, language in enumerate(part.languages):
            yield from files.language(f"parts.{name}.languages[{number}]", language)


KINDS = (
    Kind(
        "mixture",
        1,
        MixtureConfig,
        "samples",
        "stages.kinds.mixture.run:run",
        edges={"data_from": takes(some(*ROWS), at_most_one("model"))},
        check=check,
        light=True,
    ),
)
