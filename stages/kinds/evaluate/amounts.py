"""How often an evaluation asks each problem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest

from stages.kinds.evaluate.config import EvaluateConfig
from stages.rows.schemas import Row
from stages.sampling.collect import in_turn


def amounts(config: EvaluateConfig, rows: Sequence[list[Row]]) -> list[tuple[Row, int]]:
    """The problems, and how often each is asked."""
    samples = config.samples_of or [config.samples_per_problem] * len(rows)
    counts = {id(row): n for own, n in zip(rows, samples, strict=True) for row in own}
    mixed = list(chain.from_iterable(rows if config.limit_problems is None else _alternating(rows)))
    asked = in_turn(mixed, config.limit_problems)
    voted = _voted(config, asked)
    return [(row, max(counts[id(row)], voted.get(id(row), 0))) for row in asked]


def _voted(config: EvaluateConfig, rows: Sequence[Row]) -> dict[int, int]:
    """The samples of the problems that are voted on, by the row's id in memory."""
    if config.voted is None:
        return {}
    cells: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cells.setdefault((row["domain"], row["language"]), []).append(row)
    chosen = chain.from_iterable(own[:: config.voted.every] for own in cells.values())
    return {id(row): config.voted.samples for row in chosen}


def _alternating(rows: Sequence[Sequence[Row]]) -> Iterator[list[Row]]:
    """The first rows of all sources, the second ones, …: a few of all are of each."""
    for some in zip_longest(*rows):
        yield [row for row in some if row is not None]
