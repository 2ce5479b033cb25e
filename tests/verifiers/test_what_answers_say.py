"""What an answer can say is bounded: how long it is read, and the words that reach a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stages.verifiers.instruction import LONGEST
from stages.verifiers.pool import VerifierPool
from stages.verifiers.tally import MOST_REASONS, OTHER_REASONS
from stages.verifiers.verdict import Request, Verdict

TESTS = {"tests": ["f(1) == 1"], "entry": "f"}


def program(name: str) -> Request:
    """A program whose exception has a name of its choice."""
    raising = f"def f(x): raise type({name!r}, (Exception,), {{}})"
    return Request("code", f"<answer>{raising}</answer>", "", TESTS)


def test_a_response_longer_than_any_that_is_asked_for_is_not_read(
    judge: Callable[..., Verdict],
) -> None:
    row: dict[str, Any] = {"constraints": [{"type": "word_count", "min": 2}]}
    assert judge("instruction", "word " * (LONGEST // 5), "", **row).score == 1.0
    verdict = judge("instruction", "word " * (LONGEST // 5) + "words", "", **row)
    assert (verdict.score, verdict.reason) == (0.0, "longer than 200000 letters")


def test_no_reason_commands_the_terminal(pool: VerifierPool) -> None:
    requests = [program("\x1b[2J\x9b31m\u202e\n"), Request("\x1b[2J", "5", "5")]
    reasons = [verdict.reason for verdict in pool.verify(requests)]
    assert reasons[0] == "program: raised \ufffd[2J\ufffd31m\ufffd\ufffd"
    assert "\\x1b[2J" in reasons[1]
    assert all(reason.isprintable() for reason in reasons)


def test_a_policy_that_makes_up_reasons_fills_no_memory() -> None:
    with VerifierPool(1) as pool:
        rows = [Request("math", "5", "5", fault=f"reason {n}") for n in range(2 * MOST_REASONS)]
        pool.verify([*rows, Request("math", "5", "5", fault="reason 0")])
        counted = pool.tally.reasons
    assert len(counted) == MOST_REASONS + 1
    assert (counted["reason 0"], counted[OTHER_REASONS]) == (2, MOST_REASONS)
