"""Programs to be mended, made of deepmind/code_contests: a problem, and a program that fails it.

    {"name": "1385_A. Three Pairwise Maximums", "description": …, "public_tests": {"input": […],
     "output": […]}, "private_tests": …, "generated_tests": …, "solutions": {"language": [2, 3],
     "solution": […]}, "incorrect_solutions": {…}, "time_limit": {"seconds": 1, "nanos": 0},
     "memory_limit_bytes": 256000000, "input_file": "", "output_file": "", "source": 2}

Languages are numbers: 3 is Python 3, and only such programs are taken. Of a problem's wrong
programs that one is asked about that shares most lines with a right one, so that there is something
to mend; that right one is the reference. Rows without such a pair are counted: the set has most of
its programs in C++.

The tests must find the wrong program wrong, which is proved when rows are (`wrong`,
stages/verifiers/selfcheck.py), and to hand it in again earns nothing (stages/verifiers/code.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.rows.code_tests import CodeTest
from stages.rows.fields import field
from stages.rows.files import BadRow, Raw
from stages.rows.formats.code_programs import closest, python_in
from stages.rows.formats.columns import text_of
from stages.rows.formats.contest_rows import ContestProblem, contest_row
from stages.rows.formats.contests import pairs
from stages.rows.schemas import Row
from stages.rows.sources import Origin, OtherRow

PYTHON3 = 3
COMPARED = 16  # programs of a kind that are looked at
NO_PAIR = "no_wrong_and_right_python"
TESTS = ("public_tests", "private_tests", "generated_tests")


def bug_fix(row: Raw, origin: Origin) -> Row:
    pair = closest(_python(row, "incorrect_solutions"), _python(row, "solutions"))
    if pair is None:
        raise OtherRow(NO_PAIR)
    problem = ContestProblem(
        text_of(row, "description"),
        _tests(row),
        files=_files(row),
        seconds=_seconds(row.get("time_limit")),
        megabytes=(row.get("memory_limit_bytes") or 0) / 2**20 or None,
        reference=pair[1],
        wrong=pair[0],
        facts={"task": row.get("name"), "difficulty": row.get("cf_rating") or None},
    )
    return contest_row(problem, origin)


def _python(row: Raw, column: str) -> list[str]:
    languages, sources = field(row, f"{column}.language"), field(row, f"{column}.solution")
    if not isinstance(languages, list) or not isinstance(sources, list):
        raise BadRow(f"column `{column}` is no lists of languages and programs")
    told = zip(languages, sources, strict=False)
    programs = (python_in(source) for language, source in told if language == PYTHON3)
    return [program for program in programs if program][:COMPARED]


def _tests(row: Raw) -> list[CodeTest]:
    inputs, outputs = list[Any](), list[Any]()
    for column in TESTS:
        inputs += field(row, f"{column}.input") or []
        outputs += field(row, f"{column}.output") or []
    return pairs(inputs, outputs, "public_tests")


def _files(row: Raw) -> dict[str, str]:
    """The names of files that stand for stdin and stdout, where the contest has any."""
    names = {"input": row.get("input_file") or "", "output": row.get("output_file") or ""}
    return {key: name for key, name in names.items() if name not in ("", "stdin", "stdout")}


def _seconds(limit: Any) -> float | None:
    if not isinstance(limit, Mapping):
        return None
    return float((limit.get("seconds") or 0) + (limit.get("nanos") or 0) / 1e9) or None
