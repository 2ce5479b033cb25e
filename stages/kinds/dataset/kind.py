"""A real data set as problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.rewards.schedule import PREFERENCE_TERMS
from stages.settings import code_tests, files, hub, values
from stages.settings.about import About
from stages.settings.code_tests import CodeTests
from stages.settings.hub import Hub
from stages.settings.origins import rows
from stages.settings.stage import GivenConfig, from_root, outside_file, placement
from stages.verifiers import VERIFIERS

OWN = "problems"  # the format that reads a map of columns
WITHOUT_REFERENCE = ("error", "drop", "keep")  # what becomes of rows that have none


@dataclass
class DatasetConfig(GivenConfig):
    """A real data set as problems: `format` names its reader, `path` a local file or a hub name."""

    format: str = MISSING
    path: str = outside_file(MISSING)  # a file, a folder of files, or a hub name
    subset: Any = None  # a hub configuration, e.g. "main" of openai/gsm8k, or a list of them
    split: str = "train"  # a hub split; of local files only MBPP's, which holds all splits, has one
    revision: str | None = None  # of the hub: a commit, branch or tag; null: the newest commit
    files: Any = None  # of the hub: files of a set, in place of subset and split, e.g. "*.jsonl"
    limit: int | None = None
    language: str | None = "en"  # of rows without one; null: that of their prompt
    without_reference: str = "error"  # or drop, or keep (for labels by majority vote): such rows
    preference: str | None = None  # or helpful, or safety: what its general queries ask for
    columns: dict[str, Any] = field(default_factory=dict)  # prompt, reference, … → the file's own
    domain: str | None = None  # of `problems` without one
    verifier: str | None = None  # of `problems` without one
    where: dict[str, Any] = field(default_factory=dict)  # which rows, by the file's own columns
    tests: CodeTests = field(default_factory=CodeTests)
    most_unfit: float = 0.5  # share of rows of another kind above which the stage stops
    samples: int | None = placement(None)  # per problem, as the paper evaluates this benchmark
    about: About = field(default_factory=About, metadata={"identity": False})
    hub: Hub = from_root("hub", Hub, identity=False)


def check(stage: Stage) -> Iterator[Problem]:
    """Problems of a file: it is there, its language is one, and how it is read."""
    config: DatasetConfig = stage.config
    yield from hub.check(config.hub)
    yield from rules(config)
    yield from files.rows(config.path)
    yield from files.language("language", config.language)


def rules(config: DatasetConfig) -> Iterator[Problem]:
    """How rows are read, and what becomes of those without a reference."""
    yield from hub.rules(config)
    yield from values.one_of("format", config.format, values.FORMATS)
    yield from values.one_of("without_reference", config.without_reference, WITHOUT_REFERENCE)
    yield from values.at_least(config, 1, "limit", "samples")
    if config.preference is not None:
        yield from values.one_of("preference", config.preference, [*PREFERENCE_TERMS])
    yield from values.where(config.where)
    yield from code_tests.rules(config.tests)
    if not 0 <= config.most_unfit <= 1:
        yield Problem("most_unfit", f"is {config.most_unfit:g}: a share of rows, expected 0 to 1")
    yield from _of_problems(config)


def _of_problems(config: DatasetConfig) -> Iterator[Problem]:
    """What only rows read as `problems` have: a map of columns, a domain and a verifier."""
    named = {"columns": config.columns, "domain": config.domain, "verifier": config.verifier}
    given = [name for name, value in named.items() if value]
    if given and config.format != OWN:
        yield Problem(given[0], f"is set, which format {config.format} does not read: {OWN} does")
    if config.domain is not None:
        yield from values.one_of("domain", config.domain, values.DOMAINS)
    if config.verifier is not None:
        yield from values.one_of("verifier", config.verifier, VERIFIERS)
    if config.columns:
        from stages.rows.fields import NAMES, unknown_names  # what reads rows takes its time

        if unknown := unknown_names(config.columns):
            known = ", ".join(NAMES)
            yield Problem("columns", f"has {', '.join(unknown)}: expected any of {known}")
        if "prompt" not in config.columns and "question" not in config.columns:
            yield Problem("columns", "has no `prompt`: name the file's column of questions")


def origin(stage: Stage) -> str:
    config: DatasetConfig = stage.config
    return (
        f"{rows(config.path, config.subset, config.split, config.limit)}, read as {config.format}"
    )


KINDS = (
    Kind(
        "dataset",
        4,
        DatasetConfig,
        "problems",
        "stages.kinds.dataset.run:run",
        check=check,
        origin=origin,
        light=True,
        work="stages.kinds.dataset.work:work",
    ),
)
