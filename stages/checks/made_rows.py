"""What stages that make, clean, mix or choose rows can have set wrong. No torch here."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from pipeline.kinds import Problem, Stage
from stages.checks import data, tiny_world, values
from stages.configs import (
    CleanConfig,
    MixtureConfig,
    ProblemsConfig,
    ReasoningGymConfig,
    SelectConfig,
)
from stages.tiny.phrases import LANGUAGES

UNITS = ("rows", "tokens")
LEAST_THRESHOLD = 0.7  # of near duplicates: there a pair is still proposed with probability 0.988
ROWS = frozenset({"samples", "conversations"})
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


def problems(stage: Stage) -> Iterator[Problem]:
    """Rows of the tiny world, of domains and languages that it has."""
    yield from tiny_world.check(stage)
    yield from of_tiny_world(stage.config)
    for source in stage.inputs["apart_from"]:
        if source.kind.name == "problems" and source.config.apart_from:
            yield Problem(
                "apart_from",
                f"names {source.name}, which is itself apart from other stages: name one that "
                "is not",
            )


def of_tiny_world(config: ProblemsConfig) -> Iterator[Problem]:
    """Which split, and how many of which domains and languages."""
    yield from values.one_of("split", config.split, values.SPLITS)
    yield from values.counts("per_domain", config.per_domain, values.DOMAINS)
    if not any(config.per_domain.values()):
        yield Problem("per_domain", "asks for no rows: say how many of each domain, {math: 100}")
    if unknown := [name for name in config.languages if name not in LANGUAGES]:
        yield Problem(
            "languages", f"has {', '.join(unknown)}: expected any of {', '.join(LANGUAGES)}"
        )


def gym(stage: Stage) -> Iterator[Problem]:
    """Tasks of reasoning-gym, which must be installed."""
    yield from of_gym(stage.config)
    if find_spec("reasoning_gym") is None:
        yield Problem(
            "kind",
            "needs reasoning-gym, which is not installed here: pip install 'r1-recipe[gym]'",
            when_run=True,
        )


def of_gym(config: ReasoningGymConfig) -> Iterator[Problem]:
    """Which tasks, and how many rows of each."""
    yield from values.one_of("split", config.split, values.SPLITS)
    yield from values.at_least(config, 1, "per_task")
    if not config.tasks:
        yield Problem("tasks", "is empty: name some, e.g. [chain_sum, sudoku]")
    if unused := sorted(set(config.settings) - set(config.tasks)):
        yield Problem(f"settings.{unused[0]}", "this task is not among tasks: add it there")


def cleaned(stage: Stage) -> Iterator[Problem]:
    """The thresholds."""
    yield from of_cleaning(stage.config)


def of_cleaning(config: CleanConfig) -> Iterator[Problem]:
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


def mixed(stage: Stage) -> Iterator[Problem]:
    """Rows to mix, and one model at most that counts tokens."""
    made = {source.name: source.kind.produces for source in stage.inputs["data_from"]}
    if not ROWS & set(made.values()):
        yield Problem("data_from", "names no stage with samples or conversations to mix: add one")
    yield from values.models(name for name, kind in made.items() if kind == "model")
    yield from of_mixture(stage.config)
    yield from data.mixture(stage)


def of_mixture(config: MixtureConfig) -> Iterator[Problem]:
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


def selected(stage: Stage) -> Iterator[Problem]:
    """Rows to choose from."""
    if not ROWS & {source.kind.produces for source in stage.inputs["data_from"]}:
        yield Problem(
            "data_from", "names no stage with samples or conversations to choose from: add one"
        )
    yield from of_selection(stage.config)


def of_selection(config: SelectConfig) -> Iterator[Problem]:
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
