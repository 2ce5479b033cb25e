r"""Files of answers to judge, and of verdicts, by their ending.

    in   {"id": "a", "verifier": "math", "reference": "5", "completion": "\\boxed{5}"}
    out  {"id": "a", "score": 1.0, "reason": "right", "seconds": 0.00002}

What comes in is read as every stage reads it (stages/rows/files.py): JSONL, JSON, CSV, TSV or
Parquet; what goes out is JSONL, gzipped JSONL or Parquet. Both go row by row. A row that cannot be
read becomes a request with a `fault`, and the rows after it are read all the same. `metadata`,
which some verifiers need, may be an object or its JSON text. The strict policy wants a `question`,
in the row or its metadata, or a `prompt` of messages.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import UsageError
from stages.rows.files import Advance, BadRow, attempt, rows_of_file
from stages.rows.places import FILE_ENDINGS, ending_of, no_such_file
from stages.verifiers.verdict import Request, request_of

ENDINGS = (".jsonl", ".jsonl.gz", ".parquet")
VERDICT = pa.schema(
    [
        ("id", pa.string()),
        ("score", pa.float64()),
        ("reason", pa.string()),
        ("seconds", pa.float64()),
    ]
)
ROW_GROUP = 10_000

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A row of the file: its number from 1, its id and what is to be judged."""

    number: int
    id: Any
    request: Request


def ending(path: Path) -> str:
    """Which kind of file of verdicts a path names; UsageError for another."""
    for known in ENDINGS:
        if path.name.endswith(known):
            return known
    raise UsageError(f"{path}: expected a file ending in {', '.join(ENDINGS)}")


def require_readable(path: Path) -> None:
    """UsageError for what is no file of rows."""
    if ending_of(path) not in FILE_ENDINGS:
        raise UsageError(f"{path}: expected a file ending in {', '.join(FILE_ENDINGS)} (or .gz)")
    if not path.is_file():
        raise UsageError(f"{path}: {no_such_file()}")


def read_requests(path: Path, advance: Advance) -> Iterator[Asked]:
    """Every row that is not blank; `advance` is told the share of the file that has been read."""
    for number, row in rows_of_file(path, advance=advance):
        request = attempt(request_of, row)
        if isinstance(request, BadRow):
            request = Request("", "", "", fault=str(request))
        yield Asked(number, None if isinstance(row, BadRow) else row.get("id"), request)


class VerdictFile:
    """Verdicts written as they come; the file has its name once it is whole, `.partial` before."""

    def __init__(self, path: Path) -> None:
        self._kind = ending(path)
        self._path = path
        self.partial = path.with_name(f"{path.name}.partial")
        self._rows: list[Row] = []

    def __enter__(self) -> VerdictFile:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._kind == ".parquet":
            self._parquet = pq.ParquetWriter(self.partial, VERDICT)
        else:
            opened = gzip.open if self._kind == ".jsonl.gz" else open
            self._text: IO[str] = opened(self.partial, "wt", encoding="ascii")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._kind == ".parquet":
            self._flush()
            self._parquet.close()
        else:
            self._text.close()
        if kind is None:
            self.partial.replace(self._path)

    def write(self, id_: Any, score: float | None, reason: str, seconds: float) -> None:
        row = {"id": id_, "score": score, "reason": reason, "seconds": round(seconds, 6)}
        if self._kind != ".parquet":
            self._text.write(json.dumps(row) + "\n")
            return
        named = id_ if isinstance(id_, str) or id_ is None else json.dumps(id_)
        self._rows.append(row | {"id": named and _plain(named), "reason": _plain(reason)})
        if len(self._rows) == ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        self._parquet.write_table(pa.Table.from_pylist(self._rows, VERDICT))
        self._rows.clear()


def _plain(text: str) -> str:
    """Text as UTF-8 can hold it: a lone half of a surrogate pair cannot stand in Parquet."""
    return text.encode("utf-8", "replace").decode()
