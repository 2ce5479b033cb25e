r"""Files of answers to judge, and of verdicts: JSONL, gzipped JSONL or Parquet, by their ending.

    in   {"id": "a", "verifier": "math", "reference": "5", "completion": "\\boxed{5}"}
    out  {"id": "a", "score": 1.0, "reason": "right", "seconds": 0.00002}

Both are read and written row by row. A row that cannot be read becomes a request with a `fault`,
and the rows after it are read all the same. `metadata`, which some verifiers need, may be an object
or its JSON text. A reference that is no text (a number, a grid) stands for its JSON text. The
strict policy wants a `question`, in the row or its metadata, or a `prompt` of messages.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import RecipeError, UsageError
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
Advance = Callable[[float], None]


def ending(path: Path) -> str:
    """Which of the three kinds of file a path names; UsageError for another."""
    for known in ENDINGS:
        if path.name.endswith(known):
            return known
    raise UsageError(f"{path}: expected a file ending in {', '.join(ENDINGS)}")


def read_requests(path: Path, advance: Advance) -> Iterator[tuple[Any, Request]]:
    """Each row's id and request; `advance` is told the share of the file that has been read."""
    kind = ending(path)
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file (looked from {Path.cwd()})")
    yield from _parquet(path, advance) if kind == ".parquet" else _lines(path, kind, advance)


def _lines(path: Path, kind: str, advance: Advance) -> Iterator[tuple[Any, Request]]:
    size = max(1, path.stat().st_size)
    with path.open("rb") as raw:
        stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if kind == ".jsonl.gz" else raw  # type: ignore[assignment]
        try:
            for line in stream:
                yield _parsed(line)
                advance(raw.tell() / size)
        except (EOFError, gzip.BadGzipFile) as problem:
            raise RecipeError(f"{path}: not a whole gzip file ({problem})") from None


def _parsed(line: bytes) -> tuple[Any, Request]:
    try:
        row = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as problem:
        return None, Request("", "", "", fault=f"not JSON: {str(problem)[:80]}")
    if not isinstance(row, dict):
        return None, Request("", "", "", fault=f"a JSON {type(row).__name__}, not an object")
    return row.get("id"), request_of(row)


def _parquet(path: Path, advance: Advance) -> Iterator[tuple[Any, Request]]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as problem:
        raise RecipeError(f"{path}: not a Parquet file ({problem})") from None
    done, total = 0, max(1, file.metadata.num_rows)
    for batch in file.iter_batches(batch_size=ROW_GROUP):
        for row in batch.to_pylist():
            yield row.get("id"), request_of(row)
            done += 1
            advance(done / total)


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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._kind == ".parquet":
            self._flush()
            self._parquet.close()
        else:
            self._text.close()
        if error is None:
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
