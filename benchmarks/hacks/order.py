"""Ordered lists without ordering, brackets without matching."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}

POLICIES = (
    "the question",
    "as given",
    "as given, with commas",
    "in reverse",
    "both orders",
    "as given, with >",
    "all brackets closed",
    "one bracket",
)
GUESSES = (
    "as given",
    "as given, with commas",
    "in reverse",
    "as given, with >",
    "all brackets closed",
    "one bracket",
)


def answers(question: str, reference: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    """The list as it was given, in reverse, both, and the brackets repeated or all closed."""
    given = question.rpartition(":")[2].strip()
    yield question
    yield given
    yield ", ".join(given.split())
    yield " ".join(given.split()[::-1])
    yield f"{given} {' '.join(given.split()[::-1])}"
    yield " > ".join(given.split())
    yield " ".join(PAIRS[sign] for sign in reversed(given) if sign in PAIRS)
    yield ")"
