"""Rows on disk: any number of them, in the columns of their schema and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.rows.schemas import LABEL, ROW_GROUP, read_rows, stream_rows, write_rows


def label(number: int) -> dict:
    own = {"id": str(number), "prompt": [], "completion": "x", "label": 1, "source": "mine"}
    return {**own, "domain": "general", "language": "en"}


def test_a_stream_of_more_rows_than_a_group_comes_back_in_order(tmp_path: Path):
    count = 2 * ROW_GROUP + 3
    path = tmp_path / "rows.parquet"
    assert write_rows(path, map(label, range(count)), LABEL) == count
    assert read_rows(path) == list(map(label, range(count)))
    assert list(stream_rows(path, ["id"])) == [{"id": str(n)} for n in range(count)]


def test_no_rows_are_a_file_too_and_an_absent_column_is_null(tmp_path: Path):
    assert write_rows(tmp_path / "none.parquet", [], LABEL) == 0
    assert read_rows(tmp_path / "none.parquet") == []
    write_rows(tmp_path / "one.parquet", [{"id": "a"}], LABEL)
    assert read_rows(tmp_path / "one.parquet")[0]["label"] is None


def test_an_unknown_column_is_named_with_its_row(tmp_path: Path):
    rows = [label(0), label(1) | {"lable": 1}]
    with pytest.raises(ValueError, match=r"row 1 of rows\.parquet has unknown columns \['lable'\]"):
        write_rows(tmp_path / "rows.parquet", rows, LABEL)
