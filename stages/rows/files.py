"""Rows of local files as they come: JSONL, JSON, CSV, TSV and Parquet, each text also as .gz.

    .jsonl     an object a line; blank lines are none
    .json      a list of objects; {"examples": [objects]} (BIG-Bench Hard); an object of objects, of
               which each keeps its key as `id`; any other object is one row (a task of ARC-AGI);
               what is an object a line is read as .jsonl
    .csv .tsv  cells under the names in the first line, or under `columns` where there is no such
               line; a .tsv has quotes only where its first lines are cells only with them
    .parquet   its columns

This is the one reader of all commands and stages. Text is UTF-8, with or without a byte order mark.
A row that cannot be read comes as a `BrokenRow`, with its number counted from 1, and the rows after
it are read all the same. What is wrong with a whole file is an error.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import RecipeError, UsageError
from stages.rows.places import FILE_ENDINGS, GZIP, ending_of

Raw = Mapping[str, Any]
#: Told, row by row, which share of a file has been read.
Advance = Callable[[float], None]

CELL = 2**31 - 1  # characters in a cell of a CSV file, at most; Python's own limit is 131,072
BLANK = b"\xef\xbb\xbf \t\r\n"
LOOKED_AT = 200  # lines of a .tsv that tell how it is written
BATCH = 1024  # rows of a Parquet file that are held at a time


class BadRow(ValueError):
    """Why a row cannot be read; `located` adds the file and the row's number."""


class BrokenRow(BadRow):
    """A row that is damaged: it says nothing about the rows beside it, which can be used."""


class UnfitRow(BrokenRow):
    """A whole row of another kind than its format reads: never read as what it is not."""


Numbered = Iterator[tuple[int, Raw | BrokenRow]]


class _Tabs(csv.excel_tab):
    quoting = csv.QUOTE_NONE


def rows_of_file(
    path: Path, columns: Sequence[str] = (), advance: Advance = lambda share: None
) -> Numbered:
    """Each row of a file with its number, or why it cannot be read. Only .json is read whole."""
    reader = _READERS.get(ending_of(path))
    if reader is None:
        raise UsageError(f"{path}: expected a file ending in {', '.join(FILE_ENDINGS)} (or .gz)")
    try:
        yield from reader(path, columns, advance)
    except (pa.ArrowInvalid, gzip.BadGzipFile, EOFError, csv.Error) as error:
        raise RecipeError(f"{path}: not a whole {path.suffix} file ({error})") from error


def located(where: Path | str, number: int, function: Callable[..., Any], *args: Any) -> Any:
    """Call `function`; what it cannot read becomes a message with the file and the row.

    A row that could not be read, among the arguments, is such a thing itself.
    """
    found = attempt(function, *args)
    if isinstance(found, BadRow):
        raise RecipeError(f"{where}, row {number}: {found}")
    return found


def attempt(function: Callable[..., Any], *args: Any) -> Any:
    """What a function makes of its arguments, or the BadRow that says why it cannot."""
    try:
        for argument in args:
            if isinstance(argument, BadRow):
                raise argument
        return function(*args)
    except BadRow as error:
        return error
    except (ValueError, ArithmeticError, RecursionError) as error:
        return BrokenRow(_reason(error))
    except (TypeError, AttributeError, LookupError) as error:  # a value of another type than usual
        return BrokenRow(f"{type(error).__name__}: {error}")


def _reason(error: Exception) -> str:
    """What is wrong with a row, by what Python says of it."""
    if isinstance(error, RecursionError):
        return "lists or objects stand too deep in one another"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 (byte {error.start})"
    if isinstance(error, UnicodeEncodeError):
        return "half a character (a lone surrogate such as \\ud83d): no text can hold it"
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON ({error.msg} at column {error.colno})"
    if "integer string conversion" in str(error):
        return "a whole number of thousands of digits: write it as text"
    return str(error)


def _jsonl(path: Path, columns: Sequence[str], advance: Advance) -> Numbered:
    for number, line in enumerate(_lines(path, advance), start=1):
        if line.strip(BLANK):
            yield number, attempt(_object, line)


def _json(path: Path, columns: Sequence[str], advance: Advance) -> Numbered:
    with path.open("rb") as raw, _opened(raw, path) as file:
        text = file.read()
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            yield from _jsonl(path, columns, advance)
            return
        raise RecipeError(f"{path}, row 1: {_reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise RecipeError(_first_unread(path, text, error)) from error
    if isinstance(whole, dict) and isinstance(whole.get("examples"), list):
        whole = whole["examples"]
    elif isinstance(whole, dict) and all(isinstance(value, dict) for value in whole.values()):
        whole = [{"id": key, **value} for key, value in whole.items()]
    rows = whole if isinstance(whole, list) else [whole]
    halves = b"\\ud" in text.lower()
    for number, row in enumerate(rows, start=1):
        yield number, attempt(_checked, row, halves)
        advance(number / len(rows))


def _first_unread(path: Path, text: bytes, error: Exception) -> str:
    """Which row of a list stops the reading of a whole file; all after it cannot be found."""
    decoder, number, place = json.JSONDecoder(), 1, 0
    try:
        said = text.decode("utf-8-sig").lstrip()
        place = 1 if said.startswith("[") else len(said)
        while place < len(said):
            _, place = decoder.raw_decode(said, place + _blanks(said, place))
            number += 1
    except (ValueError, RecursionError):
        pass
    advice = "; as .jsonl, an object a line, the other rows could be read"
    return f"{path}, row {number}: {_reason(error)}{advice}"


def _blanks(text: str, place: int) -> int:
    """How many blanks and commas stand there."""
    rest = text[place : place + 4096]
    return len(rest) - len(rest.lstrip(" \t\r\n,"))


def _cells(path: Path, columns: Sequence[str], advance: Advance) -> Numbered:
    csv.field_size_limit(CELL)
    tabs = csv.excel_tab if _quoted(path, columns) else _Tabs
    dialect = tabs if ending_of(path) == ".tsv" else csv.excel
    # Bytes that are no UTF-8 are kept as halves of characters, which `_named` finds.
    lines = (line.decode("utf-8-sig", "surrogateescape") for line in _lines(path, advance))
    cells: Iterator[list[str]] = filter(None, csv.reader(lines, dialect))
    first = next(cells, [])
    if columns and first and first != list(columns):
        cells = chain([first], cells)  # no line of names: it is the first row
    names = columns or first
    for number, row in enumerate(cells, start=1):
        yield number, attempt(_named, row, names)


def _quoted(path: Path, columns: Sequence[str]) -> bool:
    """Whether the first lines of a .tsv have as many cells as names only if quotes are quotes."""

    def whole(dialect: type[csv.Dialect]) -> bool:
        lines = (line.decode("utf-8-sig", "surrogateescape") for line in _lines(path, _nobody))
        rows = [row for row in csv.reader(islice(lines, LOOKED_AT), dialect) if row]
        names = len(columns or rows[0]) if rows else 0
        return all(len(row) == names for row in rows[:-1])  # the last may be cut

    return ending_of(path) == ".tsv" and not whole(_Tabs) and whole(csv.excel_tab)


def _nobody(share: float) -> None:
    """Nobody is told."""


def _parquet(path: Path, columns: Sequence[str], advance: Advance) -> Numbered:
    number = 0
    # A path is read without Python in between; what is no path (a file of the hub) by its own open.
    with pq.ParquetFile(path if isinstance(path, Path) else path.open("rb")) as file:
        total = max(1, file.metadata.num_rows)
        for batch in file.iter_batches(BATCH):
            for row in _read(batch):
                number += 1
                yield number, row
            advance(number / total)


def _read(batch: pa.RecordBatch) -> Iterable[Raw | BrokenRow]:
    """The rows of a batch; where one holds what is no text, one by one."""
    try:
        rows: list[Raw] = batch.to_pylist()
    except ValueError:
        places = range(batch.num_rows)
        return [attempt(lambda n: batch.slice(n, 1).to_pylist()[0], n) for n in places]
    return rows


def _lines(path: Path, advance: Advance) -> Iterator[bytes]:
    """The lines of a file, unpacked."""
    size = max(1, path.stat().st_size)
    with path.open("rb") as raw, _opened(raw, path) as file:
        for line in file:
            yield line
            advance(raw.tell() / size)


def _opened(raw: IO[bytes], path: Path) -> IO[bytes]:
    return gzip.GzipFile(fileobj=raw) if path.suffix == GZIP else raw  # type: ignore[return-value]


def _object(line: bytes) -> Raw:
    return _checked(json.loads(line.decode("utf-8-sig")), b"\\ud" in line.lower())


def _checked(row: Any, halves: bool) -> Raw:
    """The row, which must be an object. halves: it may hold halves of characters."""
    if not isinstance(row, dict):
        raise BrokenRow(f"a JSON {type(row).__name__}, expected an object")
    if halves:
        json.dumps(row, ensure_ascii=False).encode()  # raises for a half
    return row


def _named(cells: Sequence[str], names: Sequence[str]) -> Raw:
    for cell in cells:
        if not cell.isascii():
            cell.encode("utf-8", "surrogateescape").decode()
    if len(cells) != len(names):
        raise BrokenRow(f"{len(cells)} columns, expected {len(names)} ({', '.join(names)})")
    return dict(zip(names, cells, strict=True))


_READERS: dict[str, Callable[[Path, Sequence[str], Advance], Numbered]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _cells,
    ".tsv": _cells,
    ".parquet": _parquet,
}
