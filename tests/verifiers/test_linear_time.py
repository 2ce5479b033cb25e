"""The verifiers of the caller's process end soon on a megabyte of anything."""

from __future__ import annotations

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


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("letters", [19_000, 1_000_000], ids=["as long as is read", "a megabyte"])
@pytest.mark.timeout(300)  # a second or two; a quadratic look at U+FDFA takes hours
def test_long_texts_are_judged_in_linear_time(letters: int, unit: str) -> None:
    text = unit * (letters // len(unit)) + "x"
    for verifier, reference, metadata in ROWS:
        assert grade(Case(verifier, (text,), reference, metadata)).score == 0.0
