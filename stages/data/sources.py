"""Readers of real data sets: a local file or the Hugging Face hub, as problem rows.

Each format turns one raw row into a question and the reference that its verifier reads:

    gsm8k     {"question": "Janet’s ducks lay 16 eggs…", "answer": "She sells…\\n#### 18"}
    math500   {"problem": "Convert $(0,3)$…", "solution": "We have…", "answer": "\\left( 3…"}
    mgsm      珍妮特的鸭子每天下 16 颗蛋。…<tab>18        (on the hub: question, answer_number)
    problems  rows in our own columns (stages/data/rows.py); prompt may be plain text

A row that cannot be read stops the stage with its number: a benchmark that silently lost rows is
another benchmark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import RecipeError, UsageError
from stages.data.rows import Row

Raw = Mapping[str, Any]
Parsed = TypeVar("Parsed")
FILE_ENDINGS = (".jsonl", ".parquet", ".tsv")
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


class BadRow(ValueError):
    """Why a row cannot be read; the reader adds the file and the row's number."""


@dataclass(frozen=True)
class Format:
    """How one data set's rows become problems. `columns` name those of a TSV file."""

    parse: Callable[[Raw], Row]
    columns: tuple[str, ...] = ()


def rows_of_file(path: Path, columns: tuple[str, ...] = ()) -> Iterator[tuple[int, Raw]]:
    """Each row of a JSONL, TSV or Parquet file with its number, counted from 1."""
    if path.suffix == ".parquet":
        yield from enumerate(_parquet(path), start=1)
        return
    if path.suffix not in FILE_ENDINGS:
        raise UsageError(f"{path}: expected a file ending in {', '.join(FILE_ENDINGS)}")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, _located(path, number, _parse_line, line, path.suffix, columns)


def read_own_rows(path: Path, key: str, parse: Callable[[int, Raw], Parsed]) -> Iterator[Parsed]:
    """Rows of a user's own JSONL or Parquet file; `key` is the config key that named it."""
    if not path.is_file():
        raise UsageError(missing_file(key, path))
    for number, row in rows_of_file(path):
        yield _located(path, number, parse, number, row)


def read_problems(
    raw: Iterable[tuple[int, Raw]], format_: Format, name: str, language: str, where: str
) -> Iterator[Row]:
    """Problem rows with ids `<name>-000001`, numbered as in the file."""
    for number, row in raw:
        problem = _located(where, number, format_.parse, row)
        yield {"id": f"{name}-{number:06d}", "language": language, "metadata": "{}", **problem}


def open_source(
    path: str, format_: Format, subset: str | None, split: str, limit: int | None, key: str
) -> tuple[str, Iterator[tuple[int, Raw]]]:
    """A name for the ids, and the first `limit` raw rows of a local file or a hub data set."""
    local = Path(path).expanduser()
    if local.is_file():
        return local.stem, islice(rows_of_file(local, format_.columns), limit)
    if local.suffix in FILE_ENDINGS or not HUB_NAME.fullmatch(path):
        raise UsageError(missing_file(key, path))
    return split, enumerate(islice(_hub(path, subset, split, key), limit), start=1)


def missing_file(key: str, path: Any) -> str:
    return f"{key}={path}: there is no such file (looked from {Path.cwd()})"


def _hub(path: str, subset: str | None, split: str, key: str) -> Any:
    """A split of a hub data set. Only this needs the network."""
    from datasets import load_dataset

    try:
        return load_dataset(path, subset, split=split)
    except Exception as error:  # offline, unknown name, subset or split: each its own type
        asked = "/".join(part for part in (path, subset, split) if part)
        reason = str(error).strip().splitlines() or [""]
        raise RecipeError(
            f"{key}={path}: cannot load {asked} from the Hugging Face hub "
            f"({type(error).__name__}: {reason[0]}).\n"
            f"Without a network, give a local file: {key}=FILE.jsonl"
        ) from error


def _parquet(path: Path) -> Iterator[Raw]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise RecipeError(f"{path}: not a Parquet file ({error})") from error
    for batch in file.iter_batches():
        yield from batch.to_pylist()


def _parse_line(line: bytes, ending: str, columns: tuple[str, ...]) -> Raw:
    text = line.decode("utf-8").rstrip("\r\n")
    if ending == ".tsv":
        cells = text.split("\t")
        if len(cells) != len(columns):
            names = ", ".join(columns) or "no columns: this format has no TSV form"
            raise BadRow(f"{len(cells)} columns, expected {len(columns)} ({names})")
        return dict(zip(columns, cells, strict=True))
    row = json.loads(text)
    if not isinstance(row, dict):
        raise BadRow(f"a JSON {type(row).__name__}, expected an object")
    return row


def _located(where: Path | str, number: int, function: Callable[..., Any], *args: Any) -> Any:
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
