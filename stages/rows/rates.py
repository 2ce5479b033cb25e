"""How often a problem was solved: by a model whose samples were judged, or as its own set says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline.artifact import Artifact
from stages.rows.schemas import Row, stream_rows

#: Where a stage says how often problems were solved: the file, and the column of its estimate.
RATES = {
    "samples": ("pass_rates.parquet", "pass_rate"),
    "evaluation": ("problems.parquet", "pass_at_1"),
}
OWN = "pass_rate"  # in a row's metadata, where its set knows one


class Solved(NamedTuple):
    """n: judged samples. estimate: of the rate, which no small n settles at 0 or 1."""

    id: str
    n: int
    correct: int
    estimate: float


def solved(artifact: Artifact) -> Iterator[Solved]:
    """What a stage's model was judged on; nothing where it says nothing."""
    file, estimate = RATES.get(artifact.type, ("", ""))
    path = artifact.path / file
    if not path.is_file():
        return
    for row in stream_rows(path, ["id", "n", "correct", estimate]):
        if row["n"]:
            yield Solved(row["id"], row["n"], row["correct"], row[estimate])


def shares(artifacts: Iterable[Artifact]) -> dict[str, float]:
    """Problem → the share of all judged samples that were right."""
    counts: dict[str, tuple[int, int]] = {}
    for artifact in artifacts:
        for one in solved(artifact):
            n, correct = counts.get(one.id, (0, 0))
            counts[one.id] = n + one.n, correct + one.correct
    return {id_: correct / n for id_, (n, correct) in counts.items()}


def own_rate(row: Row) -> float | None:
    """What the row's own set says, from 0 to 1; None where it says nothing of that kind."""
    if f'"{OWN}"' not in (row["metadata"] or ""):
        return None
    value = json.loads(row["metadata"]).get(OWN)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)
