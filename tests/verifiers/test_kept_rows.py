"""Long rows travel to a worker once, however many answers it judges, and whoever replaces it."""

from __future__ import annotations

from typing import Any

import pytest

from stages.chat.template import tagged
from stages.verifiers import kept_rows
from stages.verifiers.grade import Case
from stages.verifiers.kept_rows import KeptRows
from stages.verifiers.pool import VerifierPool
from stages.verifiers.question import question_of
from stages.verifiers.verdict import Request

TESTS = [f"{number}\n" + "0 " * 500 for number in range(20)]


def row(add: int = 0) -> dict[str, Any]:
    return {"inputs": TESTS, "outputs": [str(number + add) for number in range(20)]}


def answer(add: int, note: int, metadata: dict[str, Any]) -> Request:
    program = f"# {note}\nprint(int(input()) + {add})"
    return Request("code", tagged("x", program), "", metadata)


def test_a_question_about_a_long_row_is_short_and_names_it() -> None:
    long, short = Case("code", ["x"], "", row()), Case("code", ["x"], "", {"tests": ["f(1) == 2"]})
    asked = question_of(long)
    assert len(asked.line) < 200
    assert asked.row is not None
    assert len(asked.row.line) > 10_000
    assert question_of(Case("code", ["y"], "", row())).row is asked.row
    assert question_of(short).row is None


def test_answers_to_several_long_rows_are_each_judged_by_their_own_tests() -> None:
    rows = [row(0), row(1)]
    asked = [answer(n % 3, n, rows[n % 2]) for n in range(12)]
    with VerifierPool(2, 5.0) as pool:
        found = [verdict.score for verdict in pool.verify(asked)]
    assert found == [float(n % 3 == n % 2) for n in range(12)]


def test_a_worker_that_replaces_another_is_told_the_row_anew() -> None:
    with VerifierPool(1, 5.0) as pool:
        assert pool.verify([answer(0, 1, row())])[0].score == 1.0
        pool._workers._running[0].kill()
        assert pool.verify([answer(0, 2, row())])[0].score == 1.0


def test_what_was_used_longest_ago_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "KEPT_BYTES", 100)
    rows = KeptRows[str]()
    for name in "abc":
        rows.add(name, 40, name.upper())
        rows.has("a")
    assert [rows.has(name) for name in "abc"] == [True, False, True]
    assert rows.use("a") == "A"
    rows.add("d", 1000, "D")
    assert [rows.has(name) for name in "acd"] == [False, False, True]
