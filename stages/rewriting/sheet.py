"""Rows as a sheet that people fill in, and what they filled in.

A sheet is CSV in UTF-8 with a byte order mark, as spreadsheets open it: a line a row, with

    row                 names it; not to be changed, nor are the next columns
    question, thought, summary
    verdict             empty, for `keep` or `drop`
    corrected_thought, corrected_summary    empty, for a better text of a row that is kept
    comment             for people

A cell of a spreadsheet holds 32,767 characters, so a longer text goes on in the columns
`thought_2`, `thought_3`, …, and so may a correction. A text that a spreadsheet would take for a
formula, a number or a date has an apostrophe before it, which reading takes away.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pipeline.errors import RecipeError, UsageError
from stages.chat.template import END_THINK, THINK
from stages.language.consistency import asked
from stages.rows.schemas import Row

CELL = 32767  # characters of UTF-16 in a cell of a spreadsheet
PIECE = 16000  # characters of ours in one: each may count twice, and an apostrophe comes before it
FORMULA = "=+-@\t\r\n＝＋－＠"  # what a spreadsheet may take for the beginning of one
SHORT = 40  # characters of a text that may be a number or a date
KEEP, DROP = "keep", "drop"
GIVEN = ("question", "thought", "summary")
CORRECTED = ("corrected_thought", "corrected_summary")
NEEDED = ("row", *GIVEN, "verdict", *CORRECTED)


@dataclass(frozen=True)
class Sheet:
    """The rows of a stage by their names on a sheet, in order."""

    rows: dict[str, Row]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Sheet:
        named: dict[str, Row] = {}
        seen: Counter[str] = Counter()
        for row in rows:
            name = _name(row)
            seen[name] += 1
            named[name if seen[name] == 1 else f"{name}-{seen[name]}"] = row
        return cls(named)


@dataclass(frozen=True)
class Review:
    """What people said of a row. line: of the sheet's rows, counted from 1 for the names.

    verdict: `keep`, `drop`, or empty. thought, summary: corrected ones, or empty.
    """

    name: str
    line: int
    verdict: str
    thought: str
    summary: str


def parts(row: Row) -> tuple[str, str, str]:
    """Question, thought and summary of a row."""
    before, ended, after = row["completion"].partition(END_THINK)
    thought, summary = (before.removeprefix(THINK), after) if ended else ("", before)
    return asked(row), thought.strip(), summary.strip()


def write_sheet(sheet: Sheet, path: Path) -> None:
    """Write an empty sheet; raises for a file that is there, which people may have filled in."""
    texts = [parts(row) for row in sheet.rows.values()]
    widths = [max(len(_pieces(text)) for text in column) for column in zip(*texts, strict=True)]
    width = dict(zip(GIVEN, widths, strict=True))
    given = {name: list(_columns(name, width[name])) for name in GIVEN}
    corrected = [_columns(name, width[name.partition("_")[2]]) for name in CORRECTED]
    header = ["row", *chain(*given.values()), "verdict", *chain(*corrected), "comment"]
    try:
        with path.open("x", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, header, restval="")
            writer.writeheader()
            for name, own in zip(sheet.rows, texts, strict=True):
                cells = {"row": name}
                for columns, text in zip(given.values(), own, strict=True):
                    cells |= dict(zip(columns, map(_safe, _pieces(text)), strict=False))
                writer.writerow(cells)
    except FileExistsError:
        raise UsageError(
            f"{path} is there, and people may have filled it in: give another name, or move it"
        ) from None


def read_sheet(path: Path, sheet: Sheet, source: str) -> list[Review]:
    """What people said, in the sheet's order; whatever is wrong is named with its row, all at once.

    source: the stage whose rows they are, for messages.
    """
    header, lines = _lines(path)
    reviews, faults = [], []
    seen: dict[str, int] = {}
    for number, cells in lines:
        texts = {
            name: _text(name, header, cells) for name in ("row", *GIVEN, "verdict", *CORRECTED)
        }
        name = texts["row"].strip()
        fault = _fault(texts, cells, sheet.rows.get(name), source)
        if name in seen:
            fault = f"`{name}` stands in row {seen[name]}, too"
        seen.setdefault(name, number)
        if fault:
            faults.append(f"{path}, row {number}: {fault}")
        said = texts["verdict"].strip().lower()
        thought, summary = (texts[column].strip() for column in CORRECTED)
        reviews.append(Review(name, number, said, thought, summary))
    if faults:
        shown = faults[:20] + ([f"… and {len(faults) - 20} more"] if len(faults) > 20 else [])
        raise RecipeError("\n".join(shown))
    return reviews


def _name(row: Row) -> str:
    """Letters first: a spreadsheet would make a number of some names."""
    text = json.dumps([row["id"], row["prompt"], row["completion"]], ensure_ascii=False)
    return "row-" + hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _fault(
    texts: dict[str, str], cells: dict[str, str], row: Row | None, source: str
) -> str | None:
    """What is wrong with a line, if anything."""
    name, said = texts["row"].strip(), texts["verdict"].strip()
    if row is None:
        return (
            f"there is no `{name}` in {source}: the name was changed, or the sheet is of another "
            "result; write a new one with `r1 review`"
        )
    if full := [column for column, text in cells.items() if _units(text) >= CELL]:
        return f"`{full[0]}` is full ({CELL} characters), and what came after it is lost"
    for column, text in zip(GIVEN, parts(row), strict=True):
        if _words(texts[column]) != _words(text):
            hint = f"; a better text goes into `corrected_{column}`" if column != GIVEN[0] else ""
            return f"`{column}` was changed{hint}"
    if said.lower() not in (KEEP, DROP, ""):
        return f"verdict `{said}`: expected {KEEP} or {DROP}"
    if any(texts[column].strip() for column in CORRECTED) and said.lower() != KEEP:
        return f"a corrected text, and the verdict is `{said}`: only what is kept is corrected"
    return None


def _lines(path: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """The names of the columns, and each line by them with its number."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: not UTF-8 (byte {error.start}); save it as `CSV UTF-8`"
        ) from error
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)  # some languages' spreadsheets use a semicolon
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UsageError(f"{path}: not a CSV file ({error})") from error
    header = lines[0] if lines else []
    if lacking := [name for name in NEEDED if name not in header]:
        raise UsageError(f"{path}: no column {', '.join(lacking)}; found {', '.join(header)}")
    return header, _named(path, header, lines[1:])


def _named(
    path: Path, header: list[str], lines: list[list[str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    for number, cells in enumerate(lines, start=2):
        if not any(cells):
            continue
        if len(cells) > len(header):
            raise RecipeError(f"{path}, row {number}: {len(cells)} columns, expected {len(header)}")
        cells += [""] * (len(header) - len(cells))  # a spreadsheet leaves empty ones away
        yield number, dict(zip(header, cells, strict=True))


def _text(name: str, header: Sequence[str], cells: dict[str, str]) -> str:
    """The text of a column and of those that it goes on in."""
    columns = [column for column in _columns(name, len(header)) if column in cells]
    return "".join(_plain(cells[column]) for column in columns).replace("\r\n", "\n")


def _columns(name: str, width: int) -> Iterator[str]:
    """`thought`, `thought_2`, …"""
    yield name
    yield from (f"{name}_{number}" for number in range(2, width + 1))


def _pieces(text: str) -> list[str]:
    """A text in as many cells as it needs."""
    return [text[start : start + PIECE] for start in range(0, max(1, len(text)), PIECE)]


def _safe(text: str) -> str:
    """A text as a cell that stays a text."""
    number = text[:1].isdigit() and len(text) <= SHORT
    return f"'{text}" if number or _marked(text) else text


def _plain(text: str) -> str:
    """The text of a cell."""
    rest = text[1:]
    return rest if text[:1] == "'" and (rest[:1].isdigit() or _marked(rest)) else text


def _marked(text: str) -> bool:
    return bool(text) and text[0] in FORMULA + "'"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def _words(text: str) -> str:
    """A text as it is compared: spreadsheets change blanks and ends of lines."""
    return "".join(text.split())
