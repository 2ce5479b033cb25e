"""What all contests' problems have in common: what is asked for, which tests are kept, the limits.

A question says how its program is tested, since the wrappers of the sets that did so are taken off.

Left out and counted: what has several right outputs and no checker, so that a right answer would
fail (`several_right_outputs`, told by the question's words: "print any of them"); what is larger
than a row may be (`too_large`). Where a question allows an error in its numbers, its tests do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stages.rows.code_tests import KILOBYTE, CodeTest, kept_tests
from stages.rows.files import BrokenRow, UnfitRow
from stages.rows.formats.columns import problem
from stages.rows.schemas import Row
from stages.rows.sources import Origin, OtherRow
from stages.verifiers import code
from stages.verifiers.verdict import Unreadable

SEVERAL, TOO_LARGE = "several_right_outputs", "too_large"
PYTHON_MB = 256  # of address space, that Python takes beside what a contest allows a program
_SEVERAL = re.compile(
    r"(?:print|output|find|return|report|give|choose)\s+any\b"
    r"|\bany\s+(?:one\s+)?of\s+(?:them|these|the\s+(?:possible|valid|correct|optimal|suitable))"
    r"|\b(?:multiple|many|several|more than one)\s+(?:\w+\s+){0,2}(?:answers?|solutions?|outputs?)"
    r"|\bany\s+(?:valid|correct|suitable|possible|proper|appropriate|optimal|such)\s+"
    r"(?:answer|solution|output|sequence|permutation|arrangement|option|assignment|way|order)"
    r"|(?:print|output)[^.]{0,80}\bin any order\b",
    re.IGNORECASE,
)
_ERROR = re.compile(
    r"(?:absolute|relative)\s+(?:or\s+(?:absolute|relative)\s+)?error.{0,120}?"
    r"(?:10\s*\^?\s*\{?\s*[-−–]\s*(\d+)|1e-(\d+)|0\.(0+)1\b)",
    re.IGNORECASE | re.DOTALL,
)
#: Shorter than the ten words by which rows of a benchmark are found among others.
_HOW = {
    "stdio": "Write a Python program that reads stdin, writes stdout.",
    "file": "Write a Python program that reads {input}, writes {output}.",
    "call": "Write it in Python, as `{entry}`.",
    "starter": "Write it in Python, beginning so:\n\n```python\n{starter}\n```",
}


@dataclass(frozen=True)
class ContestProblem:
    """A problem as its set has it, taken apart.

    seconds, megabytes: the contest's own limits. reference: a program that is right. wrong: one
    that is not, and is to be mended. wrapped_results: a result in a list of one may mean its
    element. evaluated: of a benchmark, of which no row is left out.
    """

    question: str
    tests: list[CodeTest]
    entry: str = ""
    starter: str = ""
    checker: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    seconds: Any = None
    megabytes: Any = None
    reference: str = ""
    wrong: str = ""
    wrapped_results: bool = False
    evaluated: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


def contest_row(found: ContestProblem, origin: Origin) -> Row:
    """The problem that a row is; OtherRow, UnfitRow or BrokenRow where it is none to be judged."""
    several = bool(found.checker) or found.evaluated
    if not several and _SEVERAL.search(found.question):
        raise OtherRow(SEVERAL)
    limits = origin.tests
    _check_types(found)
    tests = kept_tests(found.tests, limits, several)
    beside = (found.question, found.checker, found.reference, found.wrong)
    if not tests or sum(map(len, beside)) > limits.kilobytes * KILOBYTE:
        raise OtherRow(TOO_LARGE)
    facts = {name: value for name, value in found.facts.items() if value is not None}
    facts |= {
        "inputs": [test.given for test in tests],
        "outputs": [_result(test, found) for test in tests],
        "language": "python",
        "test_seconds": limits.slower * found.seconds if found.seconds else limits.seconds,
        "seconds": limits.whole_seconds,
    }
    given = {
        "entry": found.entry,
        "checker": found.checker,
        "files": dict(found.files),
        "wrong": found.wrong,
        "tolerance": None if found.checker else _tolerance(found.question),
        "memory_mb": found.megabytes and float(found.megabytes) + PYTHON_MB,
        "tests_left_out": len(found.tests) - len(tests),
    }
    facts |= {name: value for name, value in given.items() if value}
    try:
        code.read(found.reference, facts)
    except Unreadable as problem_:
        raise BrokenRow(str(problem_)) from problem_
    return problem("code", _asked(found), "code", found.reference, **facts)


def _check_types(found: ContestProblem) -> None:
    """Streams are texts, or lists of lines."""
    for test in found.tests:
        if not found.entry and not all(map(_is_text, test)):
            kinds = " and ".join(type(value).__name__ for value in test)
            raise UnfitRow(f"a test is {kinds}, expected texts for stdin and stdout")


def _is_text(value: Any) -> bool:
    lines = value if isinstance(value, list) else [value]
    return all(isinstance(line, str) for line in lines)


def _result(test: CodeTest, found: ContestProblem) -> Any:
    """What is right: a result in a list of one may be that list, or its element."""
    wrapped = found.entry and found.wrapped_results and not isinstance(test.given, str)
    if wrapped and isinstance(test.expected, list) and len(test.expected) == 1:
        return {"accept": [test.expected[0], test.expected]}
    return test.expected


def _tolerance(question: str) -> float | None:
    said = _ERROR.search(question)
    if said is None:
        return None
    digits = int(said[1] or said[2] or len(said[3]) + 1)
    return 10.0**-digits if digits <= 15 else None


def _asked(found: ContestProblem) -> str:
    if found.starter.strip():
        how = _HOW["starter"].format(starter=found.starter.rstrip())
    elif found.entry:
        how = _HOW["call"].format(entry=found.entry)
    elif found.files:
        how = _HOW["file"].format(**{"input": "stdin", "output": "stdout", **found.files})
    else:
        how = _HOW["stdio"]
    if not found.wrong:
        return f"{found.question.strip()}\n\n{how}"
    return (
        f"{found.question.strip()}\n\nThis program is wrong. Find what is wrong with it and mend "
        f"it.\n\n```python\n{found.wrong}\n```\n\n{how}"
    )
