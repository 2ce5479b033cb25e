"""The rows that travel between stages, as pyarrow schemas. Every file of rows is Parquet.

problem       id, domain, language, prompt (messages), verifier, reference, metadata, source
sample        the problem's columns plus what a model answered and its verdict
conversation  prompt (messages) and the completion to learn, with domain, language and source
preference    prompt, chosen, rejected, margin
label         prompt, completion, label (1 safe, 0 unsafe)

`metadata` is a JSON object as text: what the verifier needs beside the reference (tests of a
program, constraints of an instruction), so that one schema serves every domain. Example problem:

    {"id": "math-en-000017", "domain": "math", "language": "en",
     "prompt": [{"role": "user", "content": "3 + 4 - 2 = ?"}], "verifier": "math",
     "reference": "5", "metadata": "{}", "source": "tiny"}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

PROBLEM = pa.schema(
    [
        ("id", pa.string()),
        ("domain", pa.string()),
        ("language", pa.string()),
        ("prompt", MESSAGES),
        ("verifier", pa.string()),
        ("reference", pa.string()),
        ("metadata", pa.string()),
        ("source", pa.string()),
    ]
)

SAMPLE = pa.schema(
    [
        *PROBLEM,
        ("completion", pa.string()),
        ("reasoning", pa.string()),
        ("answer", pa.string()),
        ("score", pa.float64()),
        ("reason", pa.string()),
        ("tokens", pa.int64()),
        ("finish_reason", pa.string()),
        ("seed", pa.int64()),
        ("model", pa.string()),
    ]
)

CONVERSATION = pa.schema(
    [
        ("id", pa.string()),
        ("domain", pa.string()),
        ("language", pa.string()),
        ("prompt", MESSAGES),
        ("completion", pa.string()),
        ("source", pa.string()),
    ]
)

PREFERENCE = pa.schema(
    [
        ("id", pa.string()),
        ("prompt", MESSAGES),
        ("chosen", pa.string()),
        ("rejected", pa.string()),
        ("margin", pa.float64()),
        ("source", pa.string()),
    ]
)

LABEL = pa.schema(
    [
        ("id", pa.string()),
        ("prompt", MESSAGES),
        ("completion", pa.string()),
        ("label", pa.int64()),
        ("source", pa.string()),
    ]
)

Row = dict[str, Any]

ROW_GROUP = 2048  # rows written, and read, together


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> int:
    """Write rows as Parquet and return how many; a row with an unknown column raises.

    `rows` may be an endless stream of large ones: memory holds a row group at a time.
    """
    names = set(schema.names)
    count = 0
    with pq.ParquetWriter(path, schema) as writer:
        rows = iter(rows)
        while group := list(islice(rows, ROW_GROUP)):
            for number, row in enumerate(group, start=count):
                if unknown := set(row) - names:
                    raise ValueError(
                        f"row {number} of {path.name} has unknown columns {sorted(unknown)}"
                    )
            filled = [{name: row.get(name) for name in schema.names} for row in group]
            writer.write_table(pa.Table.from_pylist(filled, schema))
            count += len(group)
    return count


def read_rows(path: Path) -> list[Row]:
    """All rows of a Parquet file as dicts."""
    rows: list[Row] = pq.read_table(path).to_pylist()
    return rows


def stream_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """The rows of a Parquet file one by one, or only some of their columns."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROW_GROUP, columns=columns):
            yield from batch.to_pylist()
