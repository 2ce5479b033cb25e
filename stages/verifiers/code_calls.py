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
from functools import lru_cache
from types import NoneType
from typing import Any

from stages.verifiers.code_program import Program, callee
from stages.verifiers.code_run import FAILED, TIMED_OUT, Budget, accepted, fault
from stages.verifiers.sandbox import Sandbox
from stages.verifiers.verdict import RIGHT, Unreadable, Verdict

_ARGUMENTS = "_arguments"  # the name under which a program's process knows them
_CALL = f"{{{{}}}}(*{_ARGUMENTS}[{{}}])"  # with a number: an expression; `{}` is the entry


@dataclass(frozen=True)
class Test:
    """Expressions for the program, and what their values must satisfy.

    check: an expression over the values' names, or None when the one value must be one of
    `expected`.
    """

    __test__ = False  # not a test of pytest's

    expressions: tuple[str, ...]
    expected: tuple[Any, ...] = ()
    check: str | None = None


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
    taken = _take_apart(tests, entry)
    return Calls(taken, setup) if taken else None


def names(calls: Calls) -> frozenset[str]:
    """What the program may have to define: the names that the tests use and Python does not."""
    expressions = (text for test in calls.tests for text in test.expressions)
    return frozenset(_loaded(*map(ast.parse, expressions)) - vars(builtins).keys())


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


@lru_cache(maxsize=4096)
def _take_apart(tests: tuple[str, ...], entry: str) -> tuple[Test, ...]:
    """The tests that texts are; none where they need a suite."""
    found = []
    for text in tests:
        try:
            before, body = list[ast.stmt](), ast.parse(text.strip()).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise Unreadable(f"test {text[:80]!r} is no Python") from None
        if len(body) == 1 and isinstance(body[0], ast.Expr):
            body = [ast.Assert(body[0].value)]
        made = _stored(body)
        for statement in body:
            if isinstance(statement, ast.Assert):
                test = _read_test(statement.test, before, made, entry)
                if test is None:
                    return ()
                found.append(test)
                before = []
            elif any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(statement)):
                return ()
            else:
                before.append(statement)
        if before:
            raise Unreadable(f"test {text[:80]!r} asserts nothing at its end")
    return tuple(found)


def _read_test(node: ast.expr, before: list[ast.stmt], made: set[str], entry: str) -> Test | None:
    """The test that a condition is, after statements that made names; None: it needs a suite."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        for side, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            found, expected = _literal(other)
            if found and not _literal(side)[0]:
                return Test((_after(before, ast.unparse(side)),), expected=(expected,))
    calls = _Calls(entry)
    node = calls.visit(node)
    if made and (not calls.found or _loaded(node) & made):
        return None
    check = ast.unparse(node).replace("{", "{{").replace("}", "}}")
    if not entry or not calls.found:
        raise Unreadable(f"test {check!r} neither equals a literal nor calls {entry or 'an entry'}")
    for number in range(len(calls.found)):
        check = check.replace(_placeholder(number), f"{{{number}}}")
    first, *others = calls.found
    return Test((_after(before, first), *others), check=check)


def _after(before: list[ast.stmt], expression: str) -> str:
    return "\n".join([*map(ast.unparse, before), expression])


def _stored(body: list[ast.stmt]) -> set[str]:
    """The names that statements make."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    names = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    imported = {a.asname or a.name for n in nodes for a in getattr(n, "names", ())}
    return names | {n for n in imported if n not in sys.stdlib_module_names}


def _loaded(*nodes: ast.AST) -> set[str]:
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}


def _modules(checks: list[str]) -> str:
    """Imports of the modules of Python's library that checks speak of."""
    names = _loaded(*map(ast.parse, checks))
    return "\n".join(f"import {name}" for name in sorted(names & sys.stdlib_module_names))


def _literal(node: ast.expr) -> tuple[bool, Any]:
    try:
        return True, ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError):
        return False, None


def _placeholder(number: int) -> str:
    return f"__value_{number}__"


class _Calls(ast.NodeTransformer):
    """Replaces the outermost calls of the entry by placeholders and keeps their source."""

    def __init__(self, entry: str) -> None:
        self.entry = entry
        self.found: list[str] = []

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == self.entry:
            self.found.append(ast.unparse(node))
            return ast.Name(_placeholder(len(self.found) - 1), ast.Load())
        return self.generic_visit(node)
