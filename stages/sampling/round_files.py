"""Samples between drawing and choosing: a Parquet file a round, each in the order of problems."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from stages.rows.schemas import SAMPLE, Row, stream_rows

TEXTS = ("completion", "reasoning")  # not kept of a dropped sample
WAITS = "waits_for_judge"  # in `dropped_by`: no rule can judge it, and a model is to
COLUMNS = (*TEXTS, "answer", "score", "reason", "tokens", "finish_reason", "seed", "model")
PART = pa.schema(
    [
        ("job", pa.int64()),  # the place of its problem
        ("number", pa.int64()),  # of the sample among those of its problem
        ("dropped_by", pa.string()),  # null: accepted
        *(SAMPLE.field(name) for name in COLUMNS),
    ]
)
GROUP = 256  # samples of each file in memory: thoughts may be long


def part_row(place: int, number: int, row: Row, dropped_by: str | None) -> Row:
    """What is kept of a sample."""
    whole = dropped_by in (None, WAITS)
    kept = {name: row[name] for name in COLUMNS if whole or name not in TEXTS}
    return {"job": place, "number": number, "dropped_by": dropped_by, **kept}


def merged(parts: Sequence[Path]) -> Iterator[tuple[int, list[Row]]]:
    """The samples of each problem, from all files, in order of problems and of drawing."""
    streams = [stream_rows(path, group=GROUP) for path in parts]
    rows = heapq.merge(*streams, key=lambda row: row["job"])
    for place, samples in groupby(rows, key=lambda row: row["job"]):
        yield place, list(samples)
