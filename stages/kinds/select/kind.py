"""A few rows that teach much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.settings import values
from stages.settings.edges import ROWS, any_of, at_most_one, some, takes
from stages.settings.stage import StageConfig

COLUMNS = (
    "id",
    "domain",
    "language",
    "prompt",
    "verifier",
    "reference",
    "metadata",
    "source",
)  # of a problem


@dataclass
class Difficulty:
    """Which questions are hard enough: how often the best of the judging models solved them."""

    min_pass_rate: float = 0.0
    max_pass_rate: float = 1.0
    require_rate: bool = False  # leaves out questions that no model was asked
    min_tokens: int = 0  # of the completion


@dataclass
class Diversity:
    """How rows are drawn: a cell at random, then a rank by length with the weight base^-rank."""

    by: list[str] = field(default_factory=list)  # columns or metadata.<name>; empty: one cell
    length_base: float = MISSING  # 1: every rank alike
    draws: int = MISSING  # of which the least similar to those before it is taken


@dataclass
class SelectConfig(StageConfig):
    """A few rows by quality, difficulty and diversity (s1: arXiv 2501.19393, 2.2)."""

    rows: int = MISSING
    filters: list[str] = field(default_factory=list)
    min_language_consistency: float = 0.0
    max_paragraph_characters: int = 4000
    max_repetition: float = 0.5
    difficulty: Difficulty = field(default_factory=Difficulty)
    diversity: Diversity = field(default_factory=Diversity)


def check(stage: Stage) -> Iterator[Problem]:
    """What can be chosen by."""
    yield from rules(stage.config)


def rules(config: SelectConfig) -> Iterator[Problem]:
    """Filters and columns that there are, and numbers by which rows can be drawn."""
    yield from values.at_least(config, 1, "rows")
    yield from values.filters("filters", config.filters)
    columns = [name for name in config.diversity.by if not name.startswith("metadata.")]
    if unknown := sorted(set(columns) - set(COLUMNS)):
        yield Problem(
            "diversity.by",
            f"has {', '.join(unknown)}: expected a column ({', '.join(COLUMNS)}) or "
            "metadata.<name>",
        )
    yield from values.at_least(config.diversity, 1, "length_base", "draws", below="diversity")


KINDS = (
    Kind(
        "select",
        2,
        SelectConfig,
        "samples",
        "stages.kinds.select.run:run",
        edges={
            "data_from": takes(some(*ROWS), at_most_one("model")),
            "score_with": takes(any_of("samples", "evaluation")),
        },
        check=check,
        work="stages.kinds.select.work:work",
    ),
)
