"""Problems of the tiny world, and worked conversations of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.settings import values
from stages.settings.edges import any_of, takes
from stages.settings.origins import TINY
from stages.settings.stage import GivenConfig
from stages.tiny.phrases import LANGUAGES


@dataclass
class ProblemsConfig(GivenConfig):
    """Problems of the tiny world, generated from a seed. split: `train` or `heldout`."""

    split: str = MISSING
    per_domain: dict[str, int] = field(default_factory=dict)
    languages: list[str] = field(default_factory=lambda: ["en", "zh"])


def check(stage: Stage) -> Iterator[Problem]:
    """Rows of the tiny world, of domains and languages that it has."""
    yield from rules(stage.config)
    for source in stage.inputs["apart_from"]:
        if source.kind.name == "problems" and source.config.apart_from:
            yield Problem(
                "apart_from",
                f"names {source.name}, which is itself apart from other stages: name one that "
                "is not",
            )


def rules(config: ProblemsConfig) -> Iterator[Problem]:
    """Which split, and how many of which domains and languages."""
    yield from values.one_of("split", config.split, values.SPLITS)
    yield from values.counts("per_domain", config.per_domain, values.DOMAINS)
    if not any(config.per_domain.values()):
        yield Problem("per_domain", "asks for no rows: say how many of each domain, {math: 100}")
    if unknown := [name for name in config.languages if name not in LANGUAGES]:
        yield Problem(
            "languages", f"has {', '.join(unknown)}: expected any of {', '.join(LANGUAGES)}"
        )


def origin(stage: Stage) -> str:
    config: ProblemsConfig = stage.config
    counts = [f"{domain} {count:,}" for domain, count in config.per_domain.items()]
    languages = " and ".join(config.languages)
    return f"{TINY}, split {config.split}, in {languages}: {', '.join(counts)}"


KINDS = (
    Kind(
        "problems",
        2,
        ProblemsConfig,
        "problems",
        "stages.kinds.problems.run:run",
        edges={"apart_from": takes(any_of("problems"))},
        check=check,
        origin=origin,
        light=True,
        work="stages.kinds.problems.work:work",
    ),
    Kind(
        "worked",
        2,
        ProblemsConfig,
        "conversations",
        "stages.kinds.problems.run:run_worked",
        check=check,
        origin=origin,
        light=True,
        work="stages.kinds.problems.work:work",
    ),
)
