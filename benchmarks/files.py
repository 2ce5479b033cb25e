"""Data files as they come, and as problems by the readers of the recipe's own benchmarks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from stages.kinds.dataset.kind import DatasetConfig
from stages.rows.files import rows_of_file
from stages.rows.formats import FORMATS
from stages.rows.schemas import Row
from stages.rows.sources import KEEP, open_source, read_problems

ROOT = Path(__file__).resolve().parent.parent
#: The tasks of BIG-Bench Hard that are measured on.
BBH = (
    "boolean_expressions",
    "date_understanding",
    "dyck_languages",
    "logical_deduction_five_objects",
    "multistep_arithmetic_two",
    "temporal_sequences",
    "tracking_shuffled_objects_three_objects",
    "web_of_lies",
    "word_sorting",
)
OWN = ROOT / "tests" / "data"  # the rows that the project ships


class Folder:
    """A folder of data sets; remembers which files were asked for and not there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.missing: list[str] = []

    def rows(self, *names: str) -> list[Any]:
        """The raw rows of the first of these files that exists; none when there is none."""
        path = self._first(names)
        return read(path) if path else []

    def problems(self, format_: str, *names: str, split: str = "test") -> list[Row]:
        """The same rows as problems, through the reader that the recipe has for this format."""
        path = self._first(names)
        if path is None:
            return []
        config = DatasetConfig("dataset", format=format_, path=str(path), split=split, seed=0)
        config.without_reference = KEEP
        parts = open_source(config, FORMATS[format_], "data")
        return list(read_problems(parts, FORMATS[format_], config, Counter()))

    def _first(self, names: tuple[str, ...]) -> Path | None:
        for name in names:
            if (self.root / name).exists():
                return self.root / name
        self.missing.append(names[0])
        return None


def read(path: Path) -> list[Any]:
    """The raw rows of a file, whatever its form."""
    return [row for _, row in rows_of_file(path)]
