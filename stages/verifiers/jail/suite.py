"""Inside the jail: run a test suite against a program that lives in another process.

The suite is a data set's own source. It gets `candidate`, a stand-in that sends each call to the
program's process as plain data and gives plain data back, so asserts, helpers and comparisons run
where the program is not: it can patch its own `assert`, `unittest` or `==` and change nothing here.

Forms of suites, the first that is there:

    def check(candidate)           as in HumanEval
    class …(unittest.TestCase)     as in BigCodeBench
    def test_…()                   as for pytest, without fixtures
    asserts at the top             as in MBPP+

The entry's name, `candidate` and `from solution import …` all mean the stand-in. Names that the
problem's prompt defines (imports, helpers) are there too. What a program does to its arguments in
place stays with it: a suite that computes what it expects from its own data cannot be misled so,
and one that tests a change in place cannot be used. The verdict is [kind, reason]:

    passed   every assertion held, and the program was called
    failed   an assertion did not hold, or something raised
    broken   the suite itself cannot run here: no verdict
"""

from __future__ import annotations

import builtins
import json
import os
import sys
import unittest
from types import ModuleType
from typing import Any

import plain_json
from orders import BROKEN, FAILED, PASSED

REPLY_BYTES = 8 << 20
_OWN_FAULTS = (NameError, ImportError, SyntaxError)  # the suite's, when not the program's


class Broken(BaseException):
    """The suite asks for what cannot be done here."""


class Ended(BaseException):
    """The program's process is gone; no `except Exception` of a suite may hide it."""


class ProgramError(Exception):
    """The program raised an exception that is none of Python's own."""


class Candidate:
    """Stands in for the program's entry."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._replies = open(descriptor, "rb", closefd=False)  # noqa: SIM115 - ends with us
        self.calls = 0
        self.raised: list[BaseException] = []

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        self.calls += 1
        line = json.dumps([plain_json.encode(arguments), plain_json.encode(keywords)])
        if f'["{plain_json.OTHER}", ' in line:
            raise Broken("an argument is no plain data")
        reply = self._ask(line.encode() + b"\n")
        if "raised" in reply:
            self.raised.append(_exception(*reply["raised"]))
            raise self.raised[-1]
        return reply["value"]

    def _ask(self, line: bytes) -> dict[str, Any]:
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
            reply = json.loads(self._replies.readline(REPLY_BYTES))
            if "ended" in reply:
                raise Ended(f"program: {str(reply['ended'])[:40]}")
            if "raised" in reply:
                name, text = reply["raised"]
                return {"raised": [str(name)[:40], str(text)]}
            return {"value": plain_json.decode(reply["value"])}
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            raise Ended("program: no result") from None


def judge(request: dict[str, Any], descriptor: int) -> list[str]:
    """Run the suite of a request against the program behind a descriptor."""
    candidate = Candidate(descriptor)
    try:
        _run(request, candidate)
    except (Broken, *_OWN_FAULTS) as problem:
        if problem not in candidate.raised:
            return [BROKEN, f"{type(problem).__name__}: {str(problem)[:200]}"]
        return [FAILED, "a test failed"]
    except Ended as problem:
        return [FAILED, str(problem)]
    except BaseException as problem:
        if problem in candidate.raised:
            return [FAILED, f"program: raised {type(problem).__name__}"]
        return [FAILED, "a test failed"]
    return [PASSED, ""] if candidate.calls else [BROKEN, "it never calls the program"]


def _run(request: dict[str, Any], candidate: Candidate) -> None:
    module = ModuleType("solution")
    sys.modules["solution"] = module
    space = module.__dict__
    space["__name__"] = "solution"
    exec(compile(request["context"], "<prompt>", "exec"), space)
    space[request["name"]] = space["candidate"] = candidate
    exec(compile(request["suite"], "<tests>", "exec"), space)
    check = space.get("check")
    cases = [v for v in space.values() if isinstance(v, type) and issubclass(v, unittest.TestCase)]
    functions = [v for name, v in space.items() if name.startswith("test_") and callable(v)]
    if callable(check):
        check(candidate)
    elif cases:
        _run_cases(cases)
    else:
        for function in functions:
            function()


class _Result(unittest.TestResult):
    """Keeps the exception of the first test that did not hold."""

    problem: BaseException | None = None

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self.problem = self.problem or err[1]

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self.problem = self.problem or err[1]

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        if err is not None:
            self.problem = self.problem or err[1]

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self.problem = self.problem or AssertionError("unexpected success")


def _run_cases(cases: list[type[unittest.TestCase]]) -> None:
    result = _Result()
    for case in cases:
        for test in unittest.defaultTestLoader.loadTestsFromTestCase(case):
            test.run(result)
            if result.problem is not None:
                raise result.problem
    if not result.testsRun:
        raise Broken("it holds no test")


def _exception(name: str, text: str) -> Exception:
    """What the program raised, as an exception of Python's own where it has that name."""
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(text)
        except TypeError:
            pass
    return ProgramError(f"{name}: {text}")
