"""What a stage of general rows can have set wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.kinds import Problem, Stage
from stages.checks import context, tiny_world, values
from stages.configs import GeneralConfig

SOURCES = ("thoughtful", "direct")  # of the tiny world: stages/tiny/worked.py


def check(stage: Stage) -> Iterator[Problem]:
    """Whose rows they are, and whether the model that thinks has room to."""
    given = [source.kind.produces for source in stage.inputs["data_from"]]
    models = [one.name for one in stage.inputs["data_from"] if one.kind.produces == "model"]
    yield from tiny_world.check(stage)
    there = "conversations" in given or tiny_world.replaced(stage) is not None
    yield from rules(stage.config, models, there)
    if models:
        yield from values.sampling(stage.config.sampling)
        yield from values.rollout(stage.config.rollout)
    yield from values.verifiers(stage.config.verifiers)
    yield from context.general(stage)


def rules(config: GeneralConfig, models: Sequence[str], given: bool) -> Iterator[Problem]:
    """Rows that there are, one model at most that thinks about them, filters that there are.

    given: whether the rows come from elsewhere than from the tiny world.
    """
    thinking = config.thinking
    yield from values.models(models)
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
