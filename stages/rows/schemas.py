"""The rows that travel between stages, as pyarrow schemas. Every file of rows is Parquet.

problem       id, domain, language, prompt (messages), verifier, reference, metadata, source
sample        the problem's columns plus what a model answered and its verdict
conversation  prompt (messages) and the completion to learn, with domain, language and source
preference    prompt, chosen, rejected, margin, perhaps domain and language
label         prompt, completion, label (1 safe, 0 unsafe), perhaps domain and language

`metadata` is a JSON object as text: what the verifier needs beside the reference (tests of a
program, constraints of an instruction), so that one schema serves every domain; and of a general
query whether it asks for help or tests safety (`query_kind.py`). Example problem:

    {"id": "math-en-000017", "domain": "math", "language": "en",
     "prompt": [{"role": "user", "content": "3 + 4 - 2 = ?"}], "verifier": "math",
     "reference": "5", "metadata": "{}", "source": "tiny"}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import RecipeError

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

SAMPLES = "samples.parquet"  # where an evaluation publishes them
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
        ("domain", pa.string()),
        ("language", pa.string()),
    ]
)

LABEL = pa.schema(
    [
        ("id", pa.string()),
        ("prompt", MESSAGES),
        ("completion", pa.string()),
        ("label", pa.int64()),
        ("source", pa.string()),
        ("domain", pa.string()),
        ("language", pa.string()),
    ]
)


Row = dict[str, Any]

ROW_GROUP = 2048  # rows written, and read, together
GROUP_CHARACTERS = 16 << 20  # of text columns, after which fewer rows are written together


class RowWriter:
    """Writes rows as Parquet as they come; memory holds a row group at a time.

    A row group ends early where its rows are long, as those with tests of programs are.

    A row with an unknown column raises; absent columns are null. group: rows to a row group, fewer
    where rows are long.
    """

    def __init__(self, path: Path, schema: pa.Schema, group: int = ROW_GROUP) -> None:
        self.count = 0
        self._path, self._schema, self._group = path, schema, group
        self._names = set(schema.names)
        self._rows: list[Mapping[str, Any]] = []
        self._characters = 0
        self._file = pq.ParquetWriter(path, schema)

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._file.close()

    def write(self, row: Mapping[str, Any]) -> None:
        """One more row."""
        if unknown := set(row) - self._names:
            raise ValueError(
                f"row {self.count} of {self._path.name} has unknown columns {sorted(unknown)}"
            )
        self._rows.append({name: row.get(name) for name in self._schema.names})
        self.count += 1
        self._characters += sum(len(one) for one in row.values() if isinstance(one, str))
        if len(self._rows) >= self._group or self._characters >= GROUP_CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            try:
                table = pa.Table.from_pylist(self._rows, self._schema)
            except (pa.ArrowException, ValueError, OverflowError, TypeError) as error:
                raise RecipeError(self._unwritten(error)) from error
            self._file.write_table(table)
            self._rows, self._characters = [], 0

    def _unwritten(self, error: Exception) -> str:
        """Which row cannot be written, and why."""
        for place, row in enumerate(self._rows, start=self.count - len(self._rows) + 1):
            for name in self._names:
                try:
                    pa.array([row[name]], self._schema.field(name).type)
                except (pa.ArrowException, ValueError, OverflowError, TypeError) as own:
                    named = f" (id {row['id']!r})" if row.get("id") else ""
                    return f"{self._path.name}, row {place}{named}: column `{name}`: {own}"
        return f"{self._path.name}: {error}"


def write_rows(
    path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema, group: int = ROW_GROUP
) -> int:
    """Write rows, which may be an endless stream, as Parquet and return how many there were."""
    with RowWriter(path, schema, group) as writer:
        for row in rows:
            writer.write(row)
    return writer.count


def read_rows(path: Path) -> list[Row]:
    """All rows of a Parquet file as dicts."""
    rows: list[Row] = pq.read_table(path).to_pylist()
    return rows


def stream_rows(
    path: Path, columns: Sequence[str] | None = None, group: int = ROW_GROUP
) -> Iterator[Row]:
    """The rows of a Parquet file one by one, or only some of their columns."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(group, columns=columns):
            yield from batch.to_pylist()
