"""A real data set as problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.rewards.schedule import PREFERENCE_TERMS
from stages.settings import files, values
from stages.settings.about import About
from stages.settings.origins import rows
from stages.settings.stage import StageConfig, outside_file, placement

WITHOUT_REFERENCE = ("error", "drop", "keep")  # what becomes of rows that have none


@dataclass
class DatasetConfig(StageConfig):
    """A real data set as problems: `format` names its reader, `path` a local file or a hub name."""

    format: str = MISSING
    path: str = outside_file(MISSING)  # a file, a folder of files, or a hub name
    subset: Any = None  # a hub configuration, e.g. "main" of openai/gsm8k, or a list of them
    split: str = "train"  # a hub split; of local files only MBPP's, which holds all splits, has one
    limit: int | None = None
    language: str | None = "en"  # of rows without one; null: that of their prompt
    without_reference: str = "error"  # or drop, or keep (for labels by majority vote): such rows
    preference: str | None = None  # or helpful, or safety: what its general queries ask for
    samples: int | None = placement(None)  # per problem, as the paper evaluates this benchmark
    about: About = field(default_factory=About, metadata={"identity": False})


def check(stage: Stage) -> Iterator[Problem]:
    """Problems of a file: it is there, its language is one, and how it is read."""
    config: DatasetConfig = stage.config
    yield from rules(config)
    yield from files.rows(config.path)
    yield from files.language("language", config.language)


def rules(config: DatasetConfig) -> Iterator[Problem]:
    """How rows are read, and what becomes of those without a reference."""
    yield from values.one_of("format", config.format, values.FORMATS)
    yield from values.one_of("without_reference", config.without_reference, WITHOUT_REFERENCE)
    yield from values.at_least(config, 1, "limit", "samples")
    if config.preference is not None:
        yield from values.one_of("preference", config.preference, [*PREFERENCE_TERMS])


def origin(stage: Stage) -> str:
    config: DatasetConfig = stage.config
    return (
        f"{rows(config.path, config.subset, config.split, config.limit)}, read as {config.format}"
    )


KINDS = (
    Kind(
        "dataset",
        3,
        DatasetConfig,
        "problems",
        "stages.kinds.dataset.run:run",
        check=check,
        origin=origin,
        light=True,
    ),
)
