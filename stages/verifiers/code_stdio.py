"""Tests that are stdin and the expected stdout; in Python, or in C++ compiled once.

Output is compared token by token, as the usual checkers of contests do: white space separates and
does not matter otherwise, letters matter. With a tolerance a token that is a decimal number may
differ from an expected number by that much, absolutely or relatively. Problems with more right
outputs than a row can list have a checker of their own (code_checker.py).

A program runs once for each test, as __main__, with nothing left of the run before. It must end by
itself with exit status 0. Output beyond twice the expected one and 64 KiB (a MiB for a checker) is
wrong. In place of stdin and stdout a Python program may have files, by name.
"""

from __future__ import annotations

import base64
import json
import re
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from stages.verifiers import code_checker, code_cpp, sandbox
from stages.verifiers.code_checker import Checked
from stages.verifiers.code_program import CPP, Program, check_syntax
from stages.verifiers.code_run import FAILED, TIMED_OUT, Budget, accepted, fault
from stages.verifiers.jailed_results import Output
from stages.verifiers.verdict import RIGHT, Unreadable, Verdict

SPARE_BYTES = 64 << 10  # that a program may write beyond twice what is expected
ONLY_STREAMS = Verdict(0.0, "the tests read and write named files: only Python can")
_TABLE = """import base64, json, sys, zlib
outputs = json.loads(zlib.decompress(base64.b64decode({packed!r})))
{said}.write(outputs[{given}.read()])
"""

_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")

Run = Callable[[bytes, int], Output]


@dataclass(frozen=True)
class Streams:
    """pairs: stdin and the tokens of each right output; tolerance: 0 when they must be the same.

    checker: who decides instead, what `checked` shows it of each pair. files: names of an "input"
    in place of stdin, of an "output" in place of stdout.
    """

    pairs: tuple[tuple[bytes, tuple[tuple[bytes, ...], ...]], ...]
    tolerance: float
    checker: str = ""
    checked: tuple[Checked, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


def read(
    inputs: list[Any],
    outputs: list[Any],
    tolerance: float,
    checker: str = "",
    files: dict[str, str] | None = None,
) -> Streams:
    """Inputs and outputs are texts, or lists of lines."""
    expected = [tuple(tuple(_bytes(one).split()) for one in accepted(output)) for output in outputs]
    if not any(map(all, expected)) and not checker:
        raise Unreadable("every expected output is empty, which any program passes")
    pairs = tuple(zip(map(_bytes, inputs), expected, strict=True))
    if not checker:
        return Streams(pairs, tolerance, files=files or {})
    shown = tuple(
        Checked(_bytes(given).decode(), _bytes(accepted(output)[0]).decode())
        for given, output in zip(inputs, outputs, strict=True)
    )
    return Streams(pairs, tolerance, code_checker.read(checker), shown, files or {})


def judge(program: Program, streams: Streams, budget: Budget, packages: tuple[str, ...]) -> Verdict:
    """Right when every output is as expected; the first one that is not ends the judging."""
    if program.language == CPP and streams.files:
        return ONLY_STREAMS
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
        streams,
        budget,
        lambda i, n: jail.run_stdio(program.source, i, budget.limits(), n, streams.files),
    )


def table(streams: Streams) -> str:
    """A program that prints each test's own output, which a checker must accept."""
    outputs = {test.given: test.right for test in streams.checked}
    packed = base64.b64encode(zlib.compress(json.dumps(outputs).encode())).decode()
    given, said = (streams.files.get(key, "") for key in ("input", "output"))
    return _TABLE.format(
        packed=packed,
        given=f"open({given!r})" if given else "sys.stdin",
        said=f"open({said!r}, 'w')" if said else "sys.stdout",
    )


def _judge(streams: Streams, budget: Budget, run: Run) -> Verdict:
    """The checker has as much time as the answer, and none of it."""
    checking = replace(budget)
    if streams.checker and (
        why := code_checker.unfit(streams.checker, streams.checked[0], checking, sandbox.shared())
    ):
        return Verdict(None, why)
    budget.begin()
    spare = code_checker.SPARE_BYTES if streams.checker else SPARE_BYTES
    for number, (stdin, right) in enumerate(streams.pairs):
        if budget.left <= 0 or time.monotonic() > budget.late:
            return TIMED_OUT
        largest = 2 * max(sum(len(token) + 1 for token in one) for one in right) + spare
        output = run(stdin, largest)
        budget.spend(output.used)
        if output.problem:
            return fault(output.problem)
        if streams.checker:
            test, started = streams.checked[number], time.monotonic()
            taken = code_checker.accepts(
                streams.checker, test, output.content, checking, sandbox.shared()
            )
            budget.late += time.monotonic() - started
        else:
            found = output.content.split()
            taken = any(_same(found, expected, streams.tolerance) for expected in right)
        if not taken:
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
