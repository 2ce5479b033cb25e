"""Grids that are shown, given back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_GRID = re.compile(r"\[\[[\d,\s\[\]]+\]\]")

POLICIES = (
    "the test inputs",
    "the first output",
    "two outputs",
    "the input or an output",
    "all outputs",
    "the question",
    "one colour",
)
GUESSES = (
    "the first output",
    "two outputs",
    "the input or an output",
    "one colour",
)


def answers(question: str, reference: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    """The test's input, a shown output, two of them, all of them, and one colour alone."""
    shown = [json.loads(grid) for grid in _GRID.findall(question)]
    inputs = question.count("Test input")
    tests, pairs = shown[len(shown) - inputs :], shown[: len(shown) - inputs]
    outputs = pairs[1::2]
    yield "\n\n".join(map(json.dumps, tests))
    yield "\n\n".join(json.dumps(outputs[0]) for _ in tests)
    tried = {"attempt_1": outputs[0], "attempt_2": outputs[-1]}
    yield json.dumps([tried for _ in tests])
    yield json.dumps([{"attempt_1": test, "attempt_2": outputs[0]} for test in tests])
    yield "\n\n".join(map(json.dumps, outputs))
    yield question
    yield "\n\n".join(json.dumps([[0 for _ in row] for row in test]) for test in tests)
