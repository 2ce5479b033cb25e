"""Tests that are stdin and the expected stdout; in Python, or in C++ compiled once.

Output is compared token by token, as the usual checkers of contests do: white space separates and
does not matter otherwise, letters matter. With a tolerance a token that is a decimal number may
differ from an expected number by that much, absolutely or relatively. Problems with more right
outputs than a row can list need a checker of their own and cannot be judged so.

A program runs once for each test, as __main__, with nothing left of the run before. It must end by
itself with exit status 0. Output beyond twice the expected one and 64 KiB is wrong.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stages.verifiers import code_cpp, sandbox
from stages.verifiers.code_program import CPP, Program, check_syntax
from stages.verifiers.code_run import FAILED, TIMED_OUT, Budget, accepted, fault
from stages.verifiers.sandbox import Output
from stages.verifiers.verdict import RIGHT, Unreadable, Verdict

SPARE_BYTES = 64 << 10  # that a program may write beyond twice what is expected

_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")

Run = Callable[[bytes, int], Output]


@dataclass(frozen=True)
class Streams:
    """pairs: stdin and the tokens of each right output; tolerance: 0 when they must be the same."""

    pairs: tuple[tuple[bytes, tuple[tuple[bytes, ...], ...]], ...]
    tolerance: float


def read(inputs: list[Any], outputs: list[Any], tolerance: float) -> Streams:
    """Inputs and outputs are texts, or lists of lines."""
    expected = [tuple(tuple(_bytes(one).split()) for one in accepted(output)) for output in outputs]
    if not any(map(all, expected)):
        raise Unreadable("every expected output is empty, which any program passes")
    return Streams(tuple(zip(map(_bytes, inputs), expected, strict=True)), tolerance)


def judge(program: Program, streams: Streams, budget: Budget, packages: tuple[str, ...]) -> Verdict:
    """Right when every output is as expected; the first one that is not ends the judging."""
    if program.language == CPP:
        with code_cpp.compiled(program.source) as made:
            if isinstance(made, Verdict):
                return made
            jail = sandbox.shared()
            return _judge(
                streams, budget, lambda i, n: jail.run_binary(made, i, budget.limits(), n)
            )
    if problem := check_syntax(program.source):
        return fault(problem)
    jail = sandbox.shared(*packages)
    return _judge(
        streams, budget, lambda i, n: jail.run_stdio(program.source, i, budget.limits(), n)
    )


def _judge(streams: Streams, budget: Budget, run: Run) -> Verdict:
    budget.begin()
    for stdin, right in streams.pairs:
        if budget.left <= 0 or time.monotonic() > budget.late:
            return TIMED_OUT
        largest = 2 * max(sum(len(token) + 1 for token in one) for one in right) + SPARE_BYTES
        output = run(stdin, largest)
        budget.spend(output.used)
        if output.problem:
            return fault(output.problem)
        found = output.content.split()
        if not any(_same(found, expected, streams.tolerance) for expected in right):
            return FAILED
    return RIGHT


def _same(found: list[bytes], expected: tuple[bytes, ...], tolerance: float) -> bool:
    if len(found) != len(expected):
        return False
    pairs = zip(found, expected, strict=True)
    return all(one == other or _close(one, other, tolerance) for one, other in pairs)


def _close(found: bytes, expected: bytes, tolerance: float) -> bool:
    if not tolerance or not (_NUMBER.fullmatch(found) and _NUMBER.fullmatch(expected)):
        return False
    right = float(expected)
    return abs(float(found) - right) <= tolerance * max(1.0, abs(right))


def _bytes(value: Any) -> bytes:
    if isinstance(value, list | tuple) and all(isinstance(line, str) for line in value):
        value = "\n".join(value)
    if not isinstance(value, str):
        raise Unreadable("inputs and outputs must be texts (or name the `entry` that they call)")
    return value.encode("utf-8", "surrogatepass")
