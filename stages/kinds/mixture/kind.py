"""Rows of several stages as one set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.kinds import Kind, Problem, Stage
from stages.settings import parts, values
from stages.settings.edges import ROWS, at_most_one, some, takes
from stages.settings.parts import MixturePart
from stages.settings.stage import StageConfig

UNITS = ("rows", "tokens")


@dataclass
class MixtureConfig(StageConfig):
    """Rows of several stages as one set; a row goes to the first part that it matches."""

    parts: dict[str, MixturePart] = field(default_factory=dict)  # empty: every row
    shares_of: str = "rows"  # or tokens


def check(stage: Stage) -> Iterator[Problem]:
    """Shares that can be kept to, of rows that there can be."""
    config: MixtureConfig = stage.config
    yield from rules(config)
    yield from parts.matched(config.parts, config.data_from)


def rules(config: MixtureConfig) -> Iterator[Problem]:
    """Shares that can be kept to."""
    yield from values.one_of("shares_of", config.shares_of, UNITS)
    yield from parts.shares(config.parts)


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
        work="stages.kinds.mixture.work:work",
    ),
)
