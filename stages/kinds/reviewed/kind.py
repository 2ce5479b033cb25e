"""Rows that people checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.settings import values, verifiers
from stages.settings.edges import ROWS, some, takes
from stages.settings.origins import place
from stages.settings.stage import GivenConfig, from_root, outside_file
from stages.settings.verifiers import TrainingVerifiers

WITHOUT = ("error", "drop")  # rows of a sheet that have no verdict


@dataclass
class ReviewedConfig(GivenConfig):
    """Rows of `data_from` that people kept or corrected on a sheet of `r1 review`.

    without_verdict: `error` asks for a verdict on every row, `drop` leaves the others out, counted.
    """

    sheet: str = outside_file(MISSING)
    without_verdict: str = "error"
    verifiers: TrainingVerifiers = from_root("verifiers", TrainingVerifiers)


def check(stage: Stage) -> Iterator[Problem]:
    """The sheet is there when the stage runs."""
    yield from values.one_of("without_verdict", stage.config.without_verdict, WITHOUT)
    yield from verifiers.check(stage.config.verifiers)
    path = Path(stage.config.sheet).expanduser()
    if not path.is_file():
        source = stage.config.data_from[0]
        yield Problem(
            "sheet",
            f"is {path}, and there is no such file: `r1 review {source} --out {path}` writes it, "
            f"once {source} is done, for people to fill in",
            when_run=True,
        )


def origin(stage: Stage) -> str:
    config: ReviewedConfig = stage.config
    return f"the sheet {place(config.sheet)}"


KINDS = (
    Kind(
        "reviewed",
        1,
        ReviewedConfig,
        "samples",
        "stages.kinds.reviewed.run:run",
        edges={"data_from": takes(some(*ROWS))},
        origin=origin,
        check=check,
        light=True,
        work="stages.kinds.reviewed.work:work",
    ),
)
