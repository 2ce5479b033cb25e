"""Rows of local files as they come: JSONL, JSON, CSV, TSV and Parquet, each text also as .gz.

    .jsonl     an object a line
    .json      a list of objects; {"examples": [objects]} (BIG-Bench Hard); an object of objects, of
               which each keeps its key as `id`; any other object is one row (a task of ARC-AGI)
    .csv .tsv  cells under the names in the first line, or under `columns` where there is no such
               line; a .tsv has no quotes
    .parquet   its columns

What cannot be read becomes a message with the file and the row's number, counted from 1.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import RecipeError, UsageError

Raw = Mapping[str, Any]
Numbered = Iterator[tuple[int, Raw]]
FILE_ENDINGS = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
GZIP = ".gz"


class _Tabs(csv.excel_tab):
    quoting = csv.QUOTE_NONE


class BadRow(ValueError):
    """Why a row cannot be read; `located` adds the file and the row's number."""


def ending_of(path: Path) -> str:
    """`.jsonl` of `rows.jsonl` and of `rows.jsonl.gz`."""
    return Path(path.stem).suffix if path.suffix == GZIP else path.suffix


def stem_of(path: Path) -> str:
    """`rows` of `rows.jsonl` and of `rows.jsonl.gz`."""
    return path.name.removesuffix(GZIP).removesuffix(ending_of(path))


def rows_of_file(path: Path, columns: Sequence[str] = ()) -> Numbered:
    """Each row of a file with its number. Only .json is read whole."""
    reader = _READERS.get(ending_of(path))
    if reader is None:
        raise UsageError(f"{path}: expected a file ending in {', '.join(FILE_ENDINGS)} (or .gz)")
    try:
        yield from reader(path, columns)
    except (pa.ArrowInvalid, gzip.BadGzipFile, EOFError, csv.Error) as error:
        raise RecipeError(f"{path}: not a whole {path.suffix} file ({error})") from error


def located(where: Path | str, number: int, function: Callable[..., Any], *args: Any) -> Any:
    """Call `function`; what it cannot read becomes a message with the file and the row."""
    try:
        return function(*args)
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 (byte {error.start})"
    except json.JSONDecodeError as error:
        reason = f"not JSON ({error.msg} at column {error.colno})"
    except BadRow as error:
        reason = str(error)
    raise RecipeError(f"{where}, row {number}: {reason}")


def _jsonl(path: Path, columns: Sequence[str]) -> Numbered:
    with _opened(path) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, located(path, number, _object, line)


def _json(path: Path, columns: Sequence[str]) -> Numbered:
    with _opened(path) as file:
        whole = located(path, 1, json.loads, file.read())
    if isinstance(whole, dict) and isinstance(whole.get("examples"), list):
        whole = whole["examples"]
    elif isinstance(whole, dict) and all(isinstance(value, dict) for value in whole.values()):
        whole = [{"id": key, **value} for key, value in whole.items()]
    rows = whole if isinstance(whole, list) else [whole]
    for number, row in enumerate(rows, start=1):
        yield number, located(path, number, _checked, row)


def _cells(path: Path, columns: Sequence[str]) -> Numbered:
    dialect = _Tabs if ending_of(path) == ".tsv" else csv.excel
    with _opened(path) as file:
        lines = (located(path, n, _text, line) for n, line in enumerate(file, start=1))
        cells: Iterator[list[str]] = filter(None, csv.reader(lines, dialect))
        first = next(cells, [])
        if columns and first and first != list(columns):
            cells = chain([first], cells)  # no line of names: it is the first row
        names = columns or first
        for number, row in enumerate(cells, start=1):
            yield number, located(path, number, _named, row, names)


def _parquet(path: Path, columns: Sequence[str]) -> Numbered:
    number = 0
    for batch in pq.ParquetFile(path).iter_batches():
        for row in batch.to_pylist():
            number += 1
            yield number, row


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == GZIP else path.open("rb")  # type: ignore[return-value]


def _text(line: bytes) -> str:
    return line.decode("utf-8-sig")


def _object(line: bytes) -> Raw:
    return _checked(json.loads(_text(line)))


def _checked(row: Any) -> Raw:
    if not isinstance(row, dict):
        raise BadRow(f"a JSON {type(row).__name__}, expected an object")
    return row


def _named(cells: Sequence[str], names: Sequence[str]) -> Raw:
    if len(cells) != len(names):
        raise BadRow(f"{len(cells)} columns, expected {len(names)} ({', '.join(names)})")
    return dict(zip(names, cells, strict=True))


_READERS: dict[str, Callable[[Path, Sequence[str]], Numbered]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _cells,
    ".tsv": _cells,
    ".parquet": _parquet,
}
