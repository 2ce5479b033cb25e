"""`r1 doctor --data`: what the hub has, against what the recipe's stages read."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROWS = [{"problem": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(1, 41)]
SUMS = "+data@stages.sums=acereason_math"
SET = "stages.sums.path=org/sums"


def parquet(rows) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


@pytest.fixture
def doctor(hub_environment, tmp_path):
    """`doctor(words…)`: the exit code and what was said, where this hub is the hub."""

    def run(*words: str, **environment: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "stages", "doctor", "--data", *words]
        done = subprocess.run(
            command, env=hub_environment | environment | {"R1_ROOT": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_set_that_is_what_it_was_passes_with_its_commit_and_rows(hub, doctor):
    repo = hub.put("org/sums", {"train.parquet": parquet(ROWS)})
    code, said = doctor(SUMS, SET, "stages.sums.about.rows=40", "--json")
    (look,) = json.loads(said)
    assert (code, look["failed"]) == (0, None)
    assert (look["rows"], look["read"], look["refused"]) == (20, 20, {})
    assert (look["rows_told"], look["rows_there"]) == (40, 40)
    assert look["read_at"] == look["newest"] == repo.at("main")
    assert look["columns"] == ["answer", "problem"]


def test_what_differs_is_told_for_each_set_and_ends_with_1(hub, doctor):
    renamed = [{"question": row["problem"], "answer": row["answer"]} for row in ROWS]
    hub.put("org/sums", {"train.parquet": parquet(renamed)})
    repo = hub.put("org/pinned", {"train.parquet": parquet(ROWS)})
    pinned = repo.at("main")
    repo.commit({"train.parquet": parquet(ROWS[:3])})
    hub.put("org/closed", {"train.parquet": parquet(ROWS)}, gated=True)
    code, said = doctor(
        SUMS, SET, "+data@stages.old=acereason_math", "stages.old.path=org/pinned",
        f"stages.old.revision={pinned}", "stages.old.about.rows=100",
        "+data@stages.closed=acereason_math", "stages.closed.path=org/closed",
    )  # fmt: skip
    assert code == 1
    assert "columns: problem not there; found answer, question" in said
    assert (
        f"old: org/pinned@{pinned[:7]}, asked for {pinned[:7]}; the newest is {repo.at(None)}"
        in said
    )
    assert "20 rows: 20 read, 0 not, 100 rows told, 40 there" in said
    assert "FAILED: stages.old.about.rows tells 100: the set shrank" in said
    assert "FAILED: stages.closed.path=org/closed: its owners ask for consent" in said


def test_without_a_network_each_set_says_so(hub, doctor, loopback):
    loopback.stop()
    try:
        code, said = doctor(SUMS, "stages.sums.path=org/far", "stages.sums.hub.pause=0")
    finally:
        loopback.start()
    assert code == 1
    assert "sums: org/far" in said
    assert "cannot be reached" in said


def test_a_recipe_without_public_sets_says_so(hub, doctor):
    assert doctor() == (0, "no stage of this recipe reads a data set of the hub\n")
