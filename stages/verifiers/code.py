"""Code: the answer's program must pass every test, inside the sandbox.

reference: a program that passes, for the self-check, or nothing. metadata: the tests, as one of


    {"tests": ["f(1) == 3", "assert …"], "entry": "f"}            as in MBPP      (code_calls.py)
    {"inputs": [[1], …], "outputs": [3, …], "entry": "f"}         as in APPS      (code_calls.py)
    {"test": "def check(candidate): …", "entry": "f", "prompt": …} as in HumanEval (code_suite.py)
    {"inputs": ["1 2\\n", …], "outputs": ["3\\n", …]}               as in Codeforces (code_stdio.py)

where "tests": [{"input": …, "output": …}, …] can stand for "inputs" and "outputs", and an output
that is {"accept": [3, 4]} takes each of these for right; if wanted,

    "prompt"     code that stands before the program, repeated by it or not (code_program.py)
    "setup"      code that runs after the program and makes what MBPP's tests speak of
    "language"   "python" or "cpp"; else the fence's tag says. C++ reads stdin and needs a compiler
    "checker"    source that says whether an output is right (code_checker.py); stdin only
    "files"      {"input": name, "output": name} in place of stdin and stdout, or of one of them
    "wrong"      a program that must fail: the one that is to be mended
    "seconds"    CPU of one run (all calls are one run, each stdin is one), if need be beyond the
                 pool's `seconds`, which all runs of an answer share where no row says otherwise
    "test_seconds"  CPU of one test; then each call is a run, too, and `seconds` is of the answer
    "memory_mb"  address space of one run, between SMALLEST_MEMORY_MB and LARGEST_MEMORY_MB
    "tolerance"  numbers may differ by this much, absolutely or relatively (inputs and outputs only)
    "packages"   names of installed packages that the program and its tests need

The program never meets what is expected of it: it reports values or output, and the comparison is
made here or in another jailed process. The first test that fails ends the judging. Which of several
code blocks is the program, code_program.py says.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.verifiers import (
    code_calls,
    code_cpp,
    code_examples,
    code_lookup,
    code_metadata,
    code_stdio,
    code_suite,
    sandbox,
)
from stages.verifiers.code_program import CPP, LANGUAGES, PYTHON, check_syntax, extract, parse
from stages.verifiers.code_run import Budget
from stages.verifiers.exchange import patience
from stages.verifiers.isolation import START_SECONDS
from stages.verifiers.verdict import COPIED, RESPONSE, UNDONE, Unreadable, Verdict

READS = RESPONSE
GRACE_SECONDS = 10.0  # what judging may take beside the program's runs: more is a judge that hangs

NO_PROGRAM = Verdict(0.0, "no program")

Tests = code_calls.Calls | code_suite.Suite | code_stdio.Streams


@dataclass(frozen=True)
class Target:
    """The tests and what they run with."""

    tests: Tests
    entry: str
    wanted: str | frozenset[str]
    prompt: str
    language: str
    seconds: float | None
    memory_mb: int
    packages: tuple[str, ...]
    test_seconds: float | None = None


def prepare(metadata: Mapping[str, Any]) -> float:
    """Start the row's sandbox before an answer's clock runs; what judging may take by the wall."""
    target = read("", metadata)
    sandbox.shared(*target.packages)
    compiling = patience(START_SECONDS) + 2 * patience(code_cpp.COMPILE_SECONDS)
    wall = _budget(target).wall
    if not isinstance(target.tests, code_stdio.Streams):
        return wall + GRACE_SECONDS
    checking = wall if target.tests.checker else 0.0
    return wall + checking + GRACE_SECONDS + compiling


def quick(text: str, reference: str, metadata: Mapping[str, Any]) -> Verdict | None:
    """Only a worker can say, but tests that cannot be read are found here."""
    read(reference, metadata)
    return None


def read(reference: str, metadata: Mapping[str, Any]) -> Target:
    """The tests taken apart; the reference, where there is one, must be a program, too."""
    entry = code_metadata.text(metadata, "entry") or code_metadata.text(metadata, "fn_name")
    language = code_metadata.text(metadata, "language")
    if language and language not in LANGUAGES:
        raise Unreadable(f"`language` is {language!r}; there are {', '.join(LANGUAGES)}")
    tests = _read_tests(metadata, entry)
    wanted = code_calls.names(tests) if isinstance(tests, code_calls.Calls) else frozenset()
    target = Target(
        tests,
        entry,
        entry or wanted,
        code_metadata.text(metadata, "prompt"),
        language,
        code_metadata.seconds(metadata, "seconds"),
        code_metadata.memory(metadata),
        code_metadata.packages(metadata),
        code_metadata.seconds(metadata, "test_seconds"),
    )
    if reference.strip():
        _check_program(reference, target)
    elif language == CPP:
        _check_streams(target)
    return target


def _check_program(reference: str, target: Target) -> None:
    program = extract(reference, target.wanted, target.prompt, target.language)
    if program is None or not program.source.strip():
        raise Unreadable("the reference is no program")
    if program.language == PYTHON and (fault := check_syntax(program.source)):
        raise Unreadable(f"the reference is no Python program: {fault}")
    if program.language == CPP:
        _check_streams(target)


def _check_streams(target: Target) -> None:
    if not isinstance(target.tests, code_stdio.Streams) or target.tests.files:
        raise Unreadable("C++ is tested by stdin and stdout only")


def judge(answer: str, target: Target) -> Verdict:
    """Right when every test holds."""
    program = extract(answer, target.wanted, target.prompt, target.language)
    if program is None:
        return NO_PROGRAM
    budget = _budget(target)
    if isinstance(target.tests, code_stdio.Streams):
        return code_stdio.judge(program, target.tests, budget, target.packages)
    if program.language != PYTHON:
        return Verdict(0.0, "the tests call Python")
    jail = sandbox.shared(*target.packages)
    if isinstance(target.tests, code_suite.Suite):
        return code_suite.judge(program, target.tests, budget, jail)
    alone = target.test_seconds is not None
    return code_calls.judge(program, target.tests, budget, jail, alone)


def unearned(
    text: str, reference: str, metadata: Mapping[str, Any], question: str
) -> Verdict | None:
    """A program that holds the tests' answers computes nothing (code_lookup.py).

    One that is the program to be mended, comments and spaces aside, repeats its question: the tests
    may not find its fault.
    """
    target = read("", metadata)
    program = extract(text, target.wanted, target.prompt, target.language)
    if program is None or program.language != PYTHON:
        return None
    if (wrong := refuted(metadata)) and _tree(program.source) == _tree(wrong):
        return COPIED
    if isinstance(target.tests, code_stdio.Streams):
        names: frozenset[str] | None = None
    else:
        entry = re.split(r"[.()]+", target.entry)
        names = frozenset(entry if target.entry else target.wanted)
    held = code_lookup.looks_up(program.source, _examples(metadata, target.entry), names)
    return UNDONE if held else None


def witness(reference: str, metadata: Mapping[str, Any]) -> str | None:
    """A table of the right outputs, of rows that a checker judges and that have no program.

    That it is right proves that the checker accepts each test's own output.
    """
    tests = read("", metadata).tests
    if reference.strip() or not isinstance(tests, code_stdio.Streams) or not tests.checker:
        return None
    return code_stdio.table(tests)


def refuted(metadata: Mapping[str, Any]) -> str:
    """The row's program that must fail; "" where it has none."""
    return code_metadata.text(metadata, "wrong")


def _tree(source: str) -> str:
    return ast.dump(parse(source))


def _examples(metadata: Mapping[str, Any], entry: str) -> list[code_lookup.Example]:
    tests = metadata.get("tests")
    if metadata.get("test") is not None:
        return code_examples.of_source(metadata["test"], entry)
    if isinstance(tests, list | tuple) and all(isinstance(test, str) for test in tests):
        return code_examples.of_source("\n".join(tests), entry)
    return code_examples.of_pairs(*code_metadata.pairs(metadata, tests), calls=bool(entry))


def _budget(target: Target) -> Budget:
    tests = target.tests
    if target.test_seconds:
        return Budget.of_tests(_count(tests), target.test_seconds, target.seconds, target.memory_mb)
    runs = _count(tests) if isinstance(tests, code_stdio.Streams) else 1
    return Budget.of(runs, target.seconds, sandbox.limit(), target.memory_mb)


def _count(tests: Tests) -> int:
    if isinstance(tests, code_stdio.Streams):
        return len(tests.pairs)
    return len(tests.tests) if isinstance(tests, code_calls.Calls) else 1


def _read_tests(metadata: Mapping[str, Any], entry: str) -> Tests:
    tests, suite = metadata.get("tests"), metadata.get("test")
    if suite is not None:
        return code_suite.read(suite, entry, code_metadata.text(metadata, "prompt"))
    if isinstance(tests, list | tuple) and tests and all(isinstance(t, str) for t in tests):
        setup = code_metadata.text(metadata, "setup")
        calls = code_calls.read_expressions(tuple(tests), entry, setup)
        return calls or code_suite.read("\n".join([setup, *tests]), entry, "")
    inputs, outputs = code_metadata.pairs(metadata, tests)
    tolerance = code_metadata.number(metadata, "tolerance") or 0.0
    checker = code_metadata.text(metadata, "checker")
    if entry:
        if checker:
            raise Unreadable("`checker` judges what is printed, not what `entry` returns")
        return code_calls.read_pairs(inputs, outputs, entry, tolerance)
    return code_stdio.read(inputs, outputs, tolerance, checker, code_metadata.files(metadata))
