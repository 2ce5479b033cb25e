"""The verifiers of the caller's process end soon on a megabyte of anything."""

from __future__ import annotations

import time
from typing import Any

import pytest

from stages.verifiers.grade import Case, grade

ROWS: list[tuple[str, str, dict[str, Any]]] = [
    ("choice", "B", {"options": ["3 cm", "12 cm", "x", "y"]}),
    ("choice", "ACD", {}),
    ("countdown", "24", {"numbers": [4, 4, 6, 8]}),
    ("grid", "[[1, 2], [3, 4]]", {}),
    ("logic", "A: knight; B: knave", {"names": ["A", "B"]}),
    ("logic", "yes", {}),
    ("order", "apple pear plum", {}),
    ("order", "] ] >", {}),
    ("text", "Paris", {}),
    ("text", "Paris", {"match": "f1", "threshold": 0.8}),
]


UNITS = (
    "(", "[", "{", "[[", "[ ", " ", "\n", "a", "A ", "9", "1 ", "\\", "\\text{", "，", "- ", "-",
    "|", "A is a knight. ", "the correct ", "1. ", "not ", "or ", "=", "```", "```\n",
    "**a ", "__a", "> ", "> \n", "<b ", "&a;", "the ", "答案", "\u0301a", "\ufdfa", "\ud800",
)  # fmt: skip


@pytest.mark.parametrize(
    ("letters", "limit"),
    [(19_000, 2.0), (1_000_000, 4.0)],
    ids=["as long as is read", "a megabyte"],
)
def test_long_texts_are_judged_in_linear_time(letters: int, limit: float) -> None:
    for unit in UNITS:
        text = unit * (letters // len(unit)) + "x"
        for verifier, reference, metadata in ROWS:
            started = time.process_time()
            verdict = grade(Case(verifier, (text,), reference, metadata))
            seconds = time.process_time() - started
            assert verdict.score == 0.0
            # The longest that is read takes some 0.05 s, 0.5 s of U+FDFA, which is 18 letters;
            # what is quadratic takes half a minute.
            assert seconds < limit, (verifier, reference, unit)
