"""`r1 grade`, through the command line and real files."""

from __future__ import annotations

import csv
import gzip
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Row = dict[str, Any]


def grade(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stages", "grade", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def row(id_: Any, reference: Any, answer: str, verifier: str = "math", **metadata: Any) -> Row:
    completion = f"<think>Let me see.</think>So \\boxed{{{answer}}}."
    return {
        "id": id_,
        "verifier": verifier,
        "reference": reference,
        "completion": completion,
        "metadata": metadata,
    }


def write_jsonl(path: Path, rows: list[Any]) -> Path:
    lines = [line if isinstance(line, str) else json.dumps(line) for line in rows]
    path.write_text("".join(line + "\n" for line in lines))
    return path


def read_jsonl(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_row_gets_its_verdict_in_order(tmp_path: Path) -> None:
    rows = [
        row("a", "1/2", "0.5"),
        row("b", "1/2", "0.51"),
        row(3, 12, "12"),
        row("d", "B", "(b)", "choice", options=4),
    ]
    found = grade(write_jsonl(tmp_path / "in.jsonl", rows), "--out", tmp_path / "out.jsonl")
    assert found.returncode == 0, found.stderr
    verdicts = read_jsonl(tmp_path / "out.jsonl")
    assert [(v["id"], v["score"], v["reason"]) for v in verdicts] == [
        ("a", 1.0, "right"),
        ("b", 0.0, "wrong"),
        (3, 1.0, "right"),
        ("d", 1.0, "right"),
    ]
    assert all(0 <= v["seconds"] < 5 for v in verdicts)
    assert "4 rows" in found.stdout


def test_a_bad_row_is_named_by_its_number_and_stops_nothing(tmp_path: Path) -> None:
    rows = [
        "{torn",
        row("a", "5", "5"),
        "[1, 2]",
        {"id": "no completion", "verifier": "math", "reference": "5"},
        row("rhyme", "5", "5", "rhyme"),
        row("typed", "5", "5") | {"completion": 5},
        row("broken", "5", "5") | {"metadata": "{"},
        row("unreadable", "", "5"),
        row("surrogate \ud800", "5", "\ud800"),
        row("z", "5", "5"),
    ]
    found = grade(write_jsonl(tmp_path / "in.jsonl", rows), "--out", tmp_path / "out.jsonl")
    assert found.returncode == 1
    scores = [v["score"] for v in read_jsonl(tmp_path / "out.jsonl")]
    assert scores == [None, 1.0, None, None, None, None, None, None, None, 1.0]
    for line in (
        "row 1: not JSON",
        "row 3: a JSON list, expected an object",
        "row 4 (id 'no completion'): no completion",
        "row 5 (id 'rhyme'): unknown verifier 'rhyme'; there are",
        "row 6 (id 'typed'): completion is not text but int",
        "row 7 (id 'broken'): metadata is not an object",
        "row 8 (id 'unreadable'): unreadable reference",
        "row 9: half a character",
    ):
        assert line in found.stderr


def test_a_file_is_read_as_a_run_reads_it(tmp_path: Path) -> None:
    """A byte order mark, blank lines, numbers as references, and references that say nothing."""
    nothing = [None, math.nan, "NaN", "N/A", "null", "None", ""]
    rows = [row("first", 12.0, "12"), "", row("third", 0.5, "1/2"), "  "]
    rows += [row(f"none {n}", reference, "5") for n, reference in enumerate(nothing)]
    source = write_jsonl(tmp_path / "in.jsonl", rows)
    source.write_bytes(b"\xef\xbb\xbf" + source.read_bytes())
    found = grade(source, "--out", tmp_path / "out.jsonl")
    verdicts = read_jsonl(tmp_path / "out.jsonl")
    assert [(v["id"], v["score"]) for v in verdicts[:2]] == [("first", 1.0), ("third", 1.0)]
    assert [v["score"] for v in verdicts[2:]] == [None] * len(nothing)
    assert "row 5 (id 'none 0'): unreadable reference" in found.stderr


def test_a_spreadsheet_of_answers_is_graded(tmp_path: Path) -> None:
    long = "so " * 50_000
    cells = [["a", "math", "5", f"<think>{long}</think>\\boxed{{5}}", "{}"], ["b", "math"]]
    with (tmp_path / "in.csv").open("w", encoding="utf-8-sig", newline="") as file:
        names = ["id", "verifier", "reference", "completion", "metadata"]
        csv.writer(file).writerows([names, *cells])
    found = grade(tmp_path / "in.csv", "--out", tmp_path / "out.jsonl")
    assert [v["score"] for v in read_jsonl(tmp_path / "out.jsonl")] == [1.0, None]
    assert "row 2: 2 columns, expected 5" in found.stderr


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".parquet"])
def test_every_kind_of_file_is_read_and_written(tmp_path: Path, ending: str) -> None:
    rows = [row(str(n), str(n), str(n + n % 2)) for n in range(100)]
    source, out = tmp_path / f"in{ending}", tmp_path / f"new/out{ending}"
    if ending == ".parquet":
        texts = [one | {"metadata": json.dumps(one["metadata"])} for one in rows]
        pq.write_table(pa.Table.from_pylist(texts), source)
    elif ending == ".jsonl.gz":
        source.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    else:
        write_jsonl(source, rows)
    assert grade(source, "--out", out).returncode == 0
    if ending == ".parquet":
        verdicts = pq.read_table(out).to_pylist()
    else:
        raw = out.read_bytes()
        lines = gzip.decompress(raw) if ending == ".jsonl.gz" else raw
        verdicts = [json.loads(line) for line in lines.splitlines()]
    assert [(v["id"], v["score"]) for v in verdicts] == [
        (str(n), float(n % 2 == 0)) for n in range(100)
    ]
    assert not list(out.parent.glob("*.partial"))


def test_self_check_names_the_reference_that_does_not_score_1(tmp_path: Path) -> None:
    rows = [{"id": n, "verifier": "choice", "reference": r} for n, r in enumerate("ABZ")]
    found = grade(write_jsonl(tmp_path / "in.jsonl", rows), "--self-check")
    assert found.returncode == 1
    assert "1 of 3 rows do not score 1:\n  row 3 (id 2): unreadable reference" in found.stderr


def test_the_policy_is_configuration(tmp_path: Path) -> None:
    several = row("a", "6", "5} or \\boxed{6")
    source = write_jsonl(tmp_path / "in.jsonl", [several])
    summaries = [
        json.loads(grade(source, "--out", tmp_path / "o.jsonl", "--json", *policy).stdout)
        for policy in ([], ["verifiers.several=last"])
    ]
    assert [summary["verdicts"]["math"] for summary in summaries] == [
        {"wrong": {"several different answers": 1}},
        {"right": {"right": 1}},
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.jsonl"], "--out OUT.jsonl"),
        (["in.txt", "--out", "o.jsonl"], "expected a file ending in .jsonl"),
        (["in.jsonl", "--out", "o.csv"], "expected a file ending in .jsonl, .jsonl.gz, .parquet"),
        (["gone.jsonl", "--out", "o.jsonl"], "there is no such file"),
        (["in.jsonl", "--out", "in.jsonl"], "this is the file to be graded"),
        (["in.jsonl", "--out", "o.jsonl", "verifiers.several=first"], "there is no 'first'"),
        (["in.jsonl", "--out", "o.jsonl", "verifiers.sevral=last"], "sevral"),
        (["in.jsonl", "--out", "o.jsonl", "verifiers.workers=none"], "workers"),
    ],
)
def test_a_wrong_request_exits_2_and_says_what_is_wrong(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    write_jsonl(tmp_path / "in.jsonl", [row("a", "5", "5")])
    located = [str(tmp_path / a) if "." in a and "=" not in a else a for a in arguments]
    found = grade(*located)
    assert found.returncode == 2
    assert message in found.stderr
    assert "Traceback" not in found.stderr
