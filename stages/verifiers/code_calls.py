"""Tests that call the program: expressions as in MBPP, or arguments and results as in APPS.

A test is taken apart so that the program never meets what is expected of it:

    f(1) == 3              the program's process reports the value of `f(1)`; 3 and the comparison
                           stay here
    abs(f(2) - 0.5) < 1e-6  it reports `f(2)`; the rest is evaluated with that value in a second,
                           clean jail process that holds no program

A test of several statements is as many tests as it asserts; what stands before an assert runs in
the program's process. One that asserts inside a loop or the like, or that compares with what it
computed before, needs a suite (code_suite.py), and then all tests are one.

A pair of input and output is a list of arguments (or text with one in JSON on each line, as in
LiveCodeBench) and the result as JSON holds it: there, a tuple is a list, and the keys of a dict are
texts. Otherwise values compare as Python's `==` does.
"""

from __future__ import annotations

import ast
import builtins
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from types import NoneType
from typing import Any

from stages.verifiers.code_expressions import Test, loaded, take_apart
from stages.verifiers.code_program import Program, callee
from stages.verifiers.code_run import FAILED, TIMED_OUT, Budget, accepted, fault
from stages.verifiers.sandbox import Sandbox
from stages.verifiers.verdict import RIGHT, Unreadable, Verdict

_ARGUMENTS = "_arguments"  # the name under which a program's process knows them
_CALL = f"{{{{}}}}(*{_ARGUMENTS}[{{}}])"  # with a number: an expression; `{}` is the entry


@dataclass(frozen=True)
class Calls:
    """Tests taken apart. For pairs also the entry, its arguments and how much results may differ.

    An expression of a pair's has `{}` where the entry is called. setup: code that makes what the
    tests' arguments speak of, run after the program.
    """

    tests: tuple[Test, ...]
    setup: str = ""
    entry: str = ""
    arguments: tuple[Any, ...] = ()
    tolerance: float = 0.0


def read_expressions(tests: tuple[str, ...], entry: str, setup: str) -> Calls | None:
    """Tests that are texts; one may start with `assert`. None: they need a suite."""
    taken = take_apart(tests, entry)
    return Calls(taken, setup) if taken else None


def names(calls: Calls) -> frozenset[str]:
    """What the program may have to define: the names that the tests use and Python does not."""
    expressions = (text for test in calls.tests for text in test.expressions)
    return frozenset(loaded(*map(ast.parse, expressions)) - vars(builtins).keys())


def read_pairs(inputs: list[Any], outputs: list[Any], entry: str, tolerance: float) -> Calls:
    """Tests that are arguments and a result, or several that are right."""
    arguments = tuple(map(_arguments, inputs))
    results = (
        tuple(_json(one) if isinstance(given, str) else one for one in accepted(output))
        for given, output in zip(inputs, outputs, strict=True)
    )
    tests = tuple(
        Test((_CALL.format(number),), expected=result) for number, result in enumerate(results)
    )
    return Calls(tests, "", entry, arguments, tolerance)


def judge(
    program: Program, calls: Calls, budget: Budget, jail: Sandbox, alone: bool = False
) -> Verdict:
    """Right when every test holds for the values that the program's process reports.

    alone: each test has a process and a limit of its own.
    """
    if not alone:
        return _judge(program, calls, budget, jail)
    budget.begin()
    for one in _one_by_one(calls):
        if budget.left <= 0:
            return TIMED_OUT
        verdict = _judge(program, one, budget, jail)
        if verdict.score != 1.0:
            return verdict
    return RIGHT


def _one_by_one(calls: Calls) -> Iterator[Calls]:
    for number, test in enumerate(calls.tests):
        if calls.entry:
            test = replace(test, expressions=(_CALL.format(0),))
        yield replace(calls, tests=(test,), arguments=calls.arguments[number : number + 1])


def _judge(program: Program, calls: Calls, budget: Budget, jail: Sandbox) -> Verdict:
    owners = [test for test in calls.tests for _ in test.expressions]
    expressions = [text for test in calls.tests for text in test.expressions]
    known = {}
    if calls.entry:
        function = callee(program.source, calls.entry)
        expressions = [expression.format(function) for expression in expressions]
        known = {_ARGUMENTS: list(calls.arguments)}
    failed = []

    def keep(number: int, value: Any) -> bool:
        test = owners[number]
        if test.check is None and not any(_same(value, one, calls) for one in test.expected):
            failed.append(number)
        return not failed

    limits = budget.limits()
    source = f"{program.source}\n{calls.setup}"
    outcome = jail.run(source, expressions, known, limits.seconds, limits.memory_mb, keep)
    budget.spend(outcome.used)
    if failed:
        return FAILED
    if outcome.problem:
        return fault(outcome.problem)
    return _check(calls.tests, outcome.values, budget, jail)


def _check(tests: tuple[Test, ...], values: list[Any], budget: Budget, jail: Sandbox) -> Verdict:
    """Evaluate the checks that need the values, in a process without the program."""
    left = iter(values)
    known: dict[str, Any] = {}
    checks: list[str] = []
    for test in tests:
        reported = [next(left) for _ in test.expressions]
        if test.check is not None:
            names = [f"_{len(known) + n}" for n in range(len(reported))]
            known.update(zip(names, reported, strict=True))
            checks.append(f"bool({test.check.format(*names)})")  # as an assert would
    if not checks:
        return RIGHT
    outcome = jail.run(_modules(checks), checks, known, budget.limits().seconds)
    held = not outcome.problem and all(value is True for value in outcome.values)
    return RIGHT if held else FAILED


def _same(value: Any, expected: Any, calls: Calls) -> bool:
    try:
        if calls.entry:
            return _same_json(value, expected, calls.tolerance)
        return bool(value == expected)
    except (RecursionError, OverflowError, ValueError):  # too deep, or numbers with too many digits
        return False


def _same_json(value: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, list) and isinstance(value, list | tuple):
        return len(value) == len(expected) and all(
            _same_json(one, other, tolerance) for one, other in zip(value, expected, strict=True)
        )
    if isinstance(expected, dict) and isinstance(value, dict):
        found = {_key(key): one for key, one in value.items()}
        return len(value) == len(expected) == len(found.keys() & expected.keys()) and all(
            _same_json(found[key], other, tolerance) for key, other in expected.items()
        )
    if tolerance and isinstance(expected, float) and isinstance(value, int | float):
        return abs(value - expected) <= tolerance * max(1.0, abs(expected))
    return bool(value == expected)


def _key(key: Any) -> Any:
    """The text that JSON has for a key: 1 → "1", True → "true"."""
    return json.dumps(key) if isinstance(key, int | float | NoneType) else key


def _arguments(given: Any) -> list[Any]:
    if isinstance(given, str):
        return [_json(line) for line in given.splitlines() if line.strip()]
    if isinstance(given, list | tuple):
        return list(given)
    raise Unreadable("an input must be a list of arguments, or text with one in JSON on each line")


def _json(text: Any) -> Any:
    try:
        return json.loads(text, parse_int=_whole)
    except (ValueError, TypeError, RecursionError):
        raise Unreadable(f"{str(text)[:60]!r} is no JSON") from None


def _whole(digits: str) -> int:
    return int(digits if len(digits) < 4000 else Decimal(digits))  # Python reads 4300 digits


def _modules(checks: list[str]) -> str:
    """Imports of the modules of Python's library that checks speak of."""
    names = loaded(*map(ast.parse, checks))
    return "\n".join(f"import {name}" for name in sorted(names & sys.stdlib_module_names))
