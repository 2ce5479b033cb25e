"""Rows that are left out because they cannot be read or learnt: a list of them, told by number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from stages.rows.schemas import Row, write_rows

UNREADABLE = "unreadable_row"
UNFIT = "does_not_fit"  # whole, and of another kind than its format reads
FILE = "left_out.parquet"
SHOWN = 300  # characters that are kept of a reason, and of a row
NAMED = 10  # rows that a message names
LEFT_OUT = pa.schema(
    [
        ("part", pa.string()),  # the file or the hub split
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("text", pa.string()),  # how the row begins
    ]
)


@dataclass
class LeftOut:
    """The rows, in the order in which they were met."""

    rows: list[Row] = field(default_factory=list)

    def add(self, part: str, number: int, reason: str, detail: str, text: str = "") -> None:
        """One more. part: the file. number: the row's, from 1."""
        said = {"detail": _plain(detail), "text": _plain(text)}
        self.rows.append({"part": part, "row": number, "reason": reason} | said)

    def reasons(self) -> Counter[str]:
        """How many there are, by reason."""
        return Counter(row["reason"] for row in self.rows)

    def write(self, folder: Path) -> None:
        """The list as left_out.parquet, beside the rows that are kept."""
        write_rows(folder / FILE, self.rows, LEFT_OUT)

    def told(self, listed: bool = True) -> str:
        """Which they are, the first by one; "" where there are none. listed: in the file, too."""
        if not self.rows:
            return ""
        first = [f"{row['part']}, row {row['row']}: {_why(row)}" for row in self.rows[:NAMED]]
        more = [f"… and {len(self.rows) - NAMED} more"] if len(self.rows) > NAMED else []
        count = f"{len(self.rows)} row{'s are' if len(self.rows) > 1 else ' is'} left out"
        where = f", listed in {FILE}" if listed else ""
        return f"{count}{where}: {'; '.join([*first, *more])}"


def _why(row: Row) -> str:
    return (
        row["detail"]
        if row["reason"] in (UNREADABLE, UNFIT)
        else f"{row['reason']}: {row['detail']}"
    )


def _plain(text: str) -> str:
    """The beginning of a text, as UTF-8 can hold it."""
    return text[:SHOWN].encode("utf-8", "replace").decode()
