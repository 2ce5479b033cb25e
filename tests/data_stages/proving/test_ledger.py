"""What is kept of proofs, for whoever proves the same rows again."""

from __future__ import annotations

from stages.proving import ledger
from stages.proving.ledger import Ledger
from stages.proving.outcome import CANNOT_JUDGE, NOT_RIGHT, PROVED, Outcome

HOW = {"strict": True}


def test_a_kill_costs_what_was_not_yet_written(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "SECONDS", 0.0)
    killed = Ledger(tmp_path, HOW, 3)  # nothing closes it
    killed.add(1, Outcome(NOT_RIGHT, "scores 0: wrong"))
    after = Ledger(tmp_path, HOW, 3)
    assert [number in after for number in range(3)] == [False, True, False]
    assert after[1] == Outcome(NOT_RIGHT, "scores 0: wrong")


def test_rows_that_are_judged_otherwise_are_proved_anew(tmp_path, monkeypatch):
    with Ledger(tmp_path, HOW, 1) as first:
        first.add(0, Outcome(PROVED))
    assert 0 in Ledger(tmp_path, HOW, 1)
    assert 0 not in Ledger(tmp_path, {"strict": False}, 1)
    monkeypatch.setattr(ledger, "_code", lambda: "another verifier")
    assert 0 not in Ledger(tmp_path, HOW, 1)


def test_what_another_try_may_find_otherwise_is_not_kept(tmp_path):
    with Ledger(tmp_path, HOW, 1) as first:
        first.add(0, Outcome(CANNOT_JUDGE, "the worker stood still", lasting=False))
        assert 0 in first
    assert 0 not in Ledger(tmp_path, HOW, 1)
