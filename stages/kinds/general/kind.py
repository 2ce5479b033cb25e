"""General rows for SFT."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from omegaconf import MISSING

from pipeline.kinds import Kind, Needs, Problem, Stage
from stages.settings import carried, context, generation, values, verifiers
from stages.settings.edges import any_of, at_most_one, takes
from stages.settings.generation import HOLD, Rollout, Sampling, fleet
from stages.settings.origins import TINY
from stages.settings.stage import StageConfig, from_root
from stages.settings.verifiers import Verifiers

SOURCES = ("thoughtful", "direct")  # of the tiny world: stages/tiny/worked.py


@dataclass
class Trivial:
    """Which questions need no thought: small talk, or a short question with a short answer."""

    small_talk: list[str] = field(default_factory=list)  # how it begins
    small_talk_words: int = 0  # and its length at most
    question_words: int = 0
    answer_words: int = 0


@dataclass
class Thinking:
    """Thoughts that a model adds before the answers of general rows, and which can be used."""

    share: float = 0.0  # of the rows that have no thought and are not trivial
    trivial: Trivial = field(default_factory=Trivial)
    prompt: str = "{question}"  # what the model is asked; {answer} is the answer that the row has
    samples_per_row: int = MISSING  # the first thought that can be used is taken
    filters: list[str] = field(default_factory=list)
    min_language_consistency: float = 0.0
    max_paragraph_characters: int = 4000
    max_repetition: float = 0.5


@dataclass
class GeneralConfig(StageConfig):
    """General SFT rows: thinking for some, none for trivial ones (paper, B.3.3)."""

    rows: dict[str, int] = field(default_factory=dict)  # of the tiny world: source → how many
    thinking: Thinking = field(default_factory=Thinking)
    sampling: Sampling = field(default_factory=Sampling)
    rollout: Rollout = from_root("rollout", Rollout)
    system_prompt: str | None = None
    verifiers: Verifiers = from_root("verifiers", Verifiers)


def check(stage: Stage) -> Iterator[Problem]:
    """Whose rows they are, and whether the model that thinks has room to."""
    given = [source.kind.produces for source in stage.inputs["data_from"]]
    yield from rules(stage.config, "conversations" in given)
    if "model" in given:
        yield from generation.sampling(stage.config.sampling)
        yield from generation.rollout(stage.config.rollout)
    yield from verifiers.check(stage.config.verifiers)
    yield from _context(stage)
    yield from carried.check(stage)


def rules(config: GeneralConfig, given: bool) -> Iterator[Problem]:
    """Rows that there are, and filters that there are.

    given: whether the rows come from elsewhere than from the tiny world.
    """
    thinking = config.thinking
    yield from values.filters("thinking.filters", thinking.filters)
    yield from values.at_least(thinking, 1, "samples_per_row", below="thinking")
    if not 0 <= thinking.share <= 1:
        yield Problem("thinking.share", f"is {thinking.share:g}: set it from 0 to 1")
    if given:
        return
    yield from values.counts("rows", config.rows, SOURCES)
    if not any(config.rows.values()):
        example = ", ".join(f"{source}: 100" for source in SOURCES)
        yield Problem(
            "rows",
            f"asks for no rows: set it, e.g. to {{{example}}}, or name rows on data_from",
            when_run=True,
        )


def _context(stage: Stage) -> Iterator[Problem]:
    """General rows: the thoughts that a model adds."""
    config: GeneralConfig = stage.config
    yield from context.draws(stage, context.models(stage), "sampling", config.sampling)


def needs(stage: Stage) -> Needs:
    """A fleet of engines."""
    config: GeneralConfig = stage.config
    return fleet(config.rollout)


def origin(stage: Stage) -> str:
    config: GeneralConfig = stage.config
    if stage.inputs["data_from"]:
        return ""
    counts = [f"{source} {count:,}" for source, count in config.rows.items() if count]
    return f"{TINY}: {', '.join(counts)}" if counts else ""


KINDS = (
    Kind(
        "general",
        5,
        GeneralConfig,
        "conversations",
        "stages.kinds.general.run:run",
        edges={"data_from": takes(any_of("conversations"), at_most_one("model"))},
        origin=origin,
        needs=needs,
        engines=HOLD,
        check=check,
        work="stages.kinds.general.work:work",
    ),
)
