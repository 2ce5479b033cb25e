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
from stages.tiny.splits import CLAIMS, SETTLING, SPLITS

FOR = {
    SETTLING: " (where presets are settled; no claim is judged on it)",
    CLAIMS: " (where claims are judged; no preset is settled on it)",
}


@dataclass
class SharedNgrams:
    """What counts as shared text; see CleanConfig."""

    ngram: int = MISSING
    min_words: int = MISSING
    boilerplate_items: int = MISSING


@dataclass
class ProblemsConfig(GivenConfig):
    """Problems of the tiny world, generated from a seed (stages/tiny/splits.py).

    shared: an n-gram that a problem must not share with one on `apart_from`, nor one of `settling`
    with the problems of `claims` that the same config would make; as clean stages have it.
    """

    split: str = MISSING
    per_domain: dict[str, int] = field(default_factory=dict)
    languages: list[str] = field(default_factory=lambda: ["en", "zh"])
    shared: SharedNgrams | None = None


def check(stage: Stage) -> Iterator[Problem]:
    """Rows of the tiny world, of domains and languages that it has."""
    yield from rules(stage.config)
    if stage.inputs["apart_from"] and stage.config.shared is None:
        yield Problem("shared", "is null, and apart_from names problems: say which n-grams count")


def rules(config: ProblemsConfig) -> Iterator[Problem]:
    """Which split, and how many of which domains and languages."""
    yield from values.one_of("split", config.split, SPLITS)
    yield from values.counts("per_domain", config.per_domain, values.DOMAINS)
    if not any(config.per_domain.values()):
        yield Problem("per_domain", "asks for no rows: say how many of each domain, {math: 100}")
    if config.split == SETTLING and config.shared is None:
        yield Problem(
            "shared",
            "is null, and split is settling, which shares no n-gram with claims: set it as "
            "conf/data/tiny/heldout.yaml has it",
        )
    if unknown := [name for name in config.languages if name not in LANGUAGES]:
        yield Problem(
            "languages", f"has {', '.join(unknown)}: expected any of {', '.join(LANGUAGES)}"
        )


def origin(stage: Stage) -> str:
    config: ProblemsConfig = stage.config
    counts = [f"{domain} {count:,}" for domain, count in config.per_domain.items()]
    languages = " and ".join(config.languages)
    split = config.split + FOR.get(config.split, "")
    return f"{TINY}, split {split}, in {languages}: {', '.join(counts)}"


KINDS = (
    Kind(
        "problems",
        3,
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
        3,
        ProblemsConfig,
        "conversations",
        "stages.kinds.problems.run:run_worked",
        check=check,
        origin=origin,
        light=True,
        work="stages.kinds.problems.work:work",
    ),
)
