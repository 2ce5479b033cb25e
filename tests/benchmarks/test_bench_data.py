"""The rows of `make bench-data` are of every verifier, differ from the real ones, and prove."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # benchmarks/ is no installed package

from benchmarks import proving  # noqa: E402
from benchmarks.files import OWN, Folder  # noqa: E402
from benchmarks.open_rows import SHARES, write_open_rows  # noqa: E402


def test_made_rows_are_of_every_verifier_and_prove_themselves(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    made = write_open_rows(Folder(OWN), tmp_path / "all" / proving.ROWS, 100)
    assert made == {"math": 60, "choice": 25, "instruction": 14, "code": 1}
    rows = pq.read_table(tmp_path / "all" / proving.ROWS).to_pylist()
    assert {row["verifier"] for row in rows} == set(SHARES)
    asked = [row["prompt"][0]["content"] for row in rows]
    assert len(set(asked)) > 80  # those without a digit repeat
    read, dropped, _ = proving._prove(tmp_path, "all")
    assert (read, dropped) == (100, 0)
