"""How much of a program's tests a row keeps, and what running them may take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.kinds import Problem
from stages.settings.values import at_least


@dataclass
class CodeTests:
    """Of rows that bring tests of programs, as contests do (stages/rows/formats/contests.py).

    most: tests of a row. kilobytes: of its tests together, and of all else that it holds.
    seconds: CPU of a test, where the row says none. slower: times a contest's own limit, which is
    meant for C++. whole_seconds: CPU of an answer, all tests together.
    """

    most: int = 24
    kilobytes: int = 128
    seconds: float = 6.0  # as LiveCodeBench's harness
    slower: float = 2.0
    whole_seconds: float = 60.0


def rules(tests: CodeTests) -> Iterator[Problem]:
    """Numbers with which a row has a test that can run."""
    yield from at_least(tests, 1, "most", "kilobytes", below="tests")
    for key in ("seconds", "slower", "whole_seconds"):
        if getattr(tests, key) <= 0:
            yield Problem(f"tests.{key}", f"is {getattr(tests, key):g}: set it above 0")
