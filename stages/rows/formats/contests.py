r"""Problems of programming contests, with their tests: public sets to train on, and LiveCodeBench.

    nemotron_code  {"responses_create_params": {"input": [{"role": "user", "content": "You are a …
                    helpful and harmless assistant. … ```python\n# Your code here\n```\n\nPolycarp
                    has $n$ different binary words. …"}]}, "verifier_metadata": {"unit_tests":
                    {"inputs": ["4\n4\n0001\n…"], "outputs": ["1\n3 \n…"]}}, "hash_id": "c69268d8…",
                    "dataset": "taco", "source": "codeforces"}
    codeforces     {"id": "1385/A", "title": …, "description": …, "input_format": …,
                    "output_format": …, "note": …, "examples": [{"input", "output"}], "time_limit":
                    2.0, "memory_limit": 256.0, "input_mode": "stdio", "official_tests":
                    [{"input": …, "output": …}], "generated_checker": "import sys\n…" or null,
                    "interaction_format": null, "language": "python"}       open-r1/codeforces
    deepcoder      {"problem": …, "starter_code": …, "solutions": ["…"], "tests": JSON of
                    [{"type": "stdin_stdout", "input": …, "output": …}], of [{"testtype":
                    "functional", "metadata": {"func_name": "f"}, …}], or of {"inputs": [[1, 2]],
                    "outputs": [[3]], "fn_name": "f"}}
    livecodebench  {"question_content": …, "starter_code": …, "public_test_cases": JSON of
                    [{"input": …, "output": …, "testtype": "stdin"}], "private_test_cases": the
                    same, or packed (plain_pickle.py), "metadata": "{\"func_name\": \"f\"}", …}

What rows of all have in common is in contest_rows.py; those to be mended are in bug_fixes.py. What
Nemotron puts around its questions is taken off. Its validation.jsonl is LiveCodeBench's release 5,
and no row of it is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from stages.rows.code_tests import CodeTest
from stages.rows.fields import LAST_USER, field
from stages.rows.files import BadRow, BrokenRow, Raw, UnfitRow
from stages.rows.formats.code_programs import first_program
from stages.rows.formats.columns import text_of
from stages.rows.formats.contest_rows import ContestProblem, contest_row
from stages.rows.formats.plain_pickle import text_in
from stages.rows.schemas import Row
from stages.rows.sources import Origin, OtherRow, splits_of
from stages.verifiers import code_checker
from stages.verifiers.verdict import Unreadable

VALIDATION, EVALUATED = "validation", "livecodebench_validation"  # a file; how it is counted
_FRAME = re.compile(r"\A.{0,400}?Please use python.{0,300}?# Your code here\n```\s*", re.DOTALL)
FILES = {"input": "input.txt", "output": "output.txt"}  # of Codeforces' file mode
STDIO, FILE = "stdio", "file"


def nemotron_code(row: Raw, origin: Origin) -> Row:
    if VALIDATION in (origin.part, *splits_of(origin.split)):
        raise OtherRow(EVALUATED)
    asked = field(row, f"responses_create_params.input.{LAST_USER}")
    if not isinstance(asked, str) or not asked.strip():
        raise BrokenRow(f"`responses_create_params.input` asks {asked!r:.60}, expected a question")
    inputs = field(row, "verifier_metadata.unit_tests.inputs")
    outputs = field(row, "verifier_metadata.unit_tests.outputs")
    tests = pairs(inputs, outputs, "verifier_metadata.unit_tests")
    facts = {name: row[name] for name in ("hash_id", "dataset") if row.get(name)}
    return contest_row(ContestProblem(_FRAME.sub("", asked, count=1), tests, facts=facts), origin)


def codeforces(row: Raw, origin: Origin) -> Row:
    if row.get("interaction_format"):
        raise OtherRow("interactive")
    mode = row.get("input_mode") or STDIO
    if mode not in (STDIO, FILE):
        raise UnfitRow(f"column `input_mode` is {mode!r:.40}, expected {STDIO} or {FILE}")
    problem = ContestProblem(
        _codeforces_question(row),
        objects(field(row, "official_tests"), "official_tests"),
        checker=_checker(row, "generated_checker"),
        files=FILES if mode == FILE else {},
        seconds=row.get("time_limit"),
        megabytes=row.get("memory_limit"),
        facts={"task": row.get("id"), "difficulty": row.get("rating")},
    )
    return contest_row(problem, origin)


def deepcoder(row: Raw, origin: Origin) -> Row:
    tests, entry = _deepcoder_tests(row)
    problem = ContestProblem(
        text_of(row, "problem"),
        tests,
        entry=entry,
        starter=row.get("starter_code") or "",
        reference=first_program(row.get("solutions") or []),
        wrapped_results=True,
    )
    return contest_row(problem, origin)


def livecodebench(row: Raw, origin: Origin) -> Row:
    tests = json_of(row, "public_test_cases") + _private_tests(row)
    facts = json_of(row, "metadata")
    problem = ContestProblem(
        text_of(row, "question_content"),
        objects(tests, "public_test_cases"),
        entry=(facts.get("func_name") or "") if isinstance(facts, Mapping) else "",
        starter=row.get("starter_code") or "",
        facts={"task": row.get("question_id"), "difficulty": row.get("difficulty")},
        evaluated=True,
    )
    return contest_row(problem, origin)


def _private_tests(row: Raw) -> Any:
    """The private tests, which are JSON or JSON in a pickle of one text."""
    column = "private_test_cases"
    try:
        return json.loads(text_of(row, column))
    except json.JSONDecodeError:
        return json.loads(text_in(text_of(row, column), column))


def _checker(row: Raw, column: str) -> str:
    """The source of a checker that can be trusted to look at text; "" where there is none."""
    source = row.get(column) or ""
    if not isinstance(source, str):
        raise UnfitRow(f"column `{column}` is {source!r:.60}, expected the source of a checker")
    try:
        return code_checker.read(source)
    except Unreadable as problem:
        raise BrokenRow(
            f"column `{column}` is {source!r:.60}, expected a checker: {problem}"
        ) from problem


def _codeforces_question(row: Raw) -> str:
    parts = [f"# {row['title']}" if row.get("title") else "", text_of(row, "description")]
    for name, head in (("input_format", "Input"), ("output_format", "Output")):
        if row.get(name):
            parts.append(f"## {head}\n\n{row[name]}")
    for example in row.get("examples") or []:
        parts.append(f"## Example\n\n```\n{example['input']}\n```\n\n```\n{example['output']}\n```")
    if row.get("note"):
        parts.append(f"## Note\n\n{row['note']}")
    return "\n\n".join(filter(None, parts))


def _deepcoder_tests(row: Raw) -> tuple[list[CodeTest], str]:
    """The tests, and the name of what they call; "" where they are stdin and stdout."""
    found = json_of(row, "tests")
    if isinstance(found, Mapping):
        return pairs(found.get("inputs"), found.get("outputs"), "tests"), found.get("fn_name") or ""
    tests = objects(found, "tests")
    names = {_called(test) for test in found}
    if len(names) > 1:
        raise UnfitRow(f"column `tests` calls {len(names)} things, expected one or none")
    return tests, names.pop()


def _called(test: Mapping[str, Any]) -> str:
    inside = test.get("metadata")
    return str(
        test.get("fn_name") or (inside.get("func_name") if isinstance(inside, dict) else "") or ""
    )


def json_of(row: Raw, column: str) -> Any:
    """A column that holds JSON as text."""
    text = text_of(row, column)
    try:
        return json.loads(text)
    except ValueError as problem:
        raise BrokenRow(f"column `{column}` is {text!r:.60}, expected JSON") from problem


def pairs(inputs: Any, outputs: Any, column: str) -> list[CodeTest]:
    """Tests that are a list of inputs and one of outputs."""
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        raise BadRow(f"`{column}` is no lists of inputs and outputs")
    if not inputs or len(inputs) != len(outputs):
        raise BrokenRow(
            f"`{column}` has {len(inputs)} inputs and {len(outputs)} outputs, expected as many"
            " of each and at least one"
        )
    return [CodeTest(*pair) for pair in zip(inputs, outputs, strict=True)]


def objects(tests: Any, column: str) -> list[CodeTest]:
    """Tests that are objects with an input and an output."""
    if not isinstance(tests, list) or not tests:
        raise BrokenRow(f"column `{column}` is {tests!r:.60}, expected a list of tests")
    for test in tests:
        if not isinstance(test, Mapping) or not {"input", "output"} <= test.keys():
            raise UnfitRow(f"column `{column}` has {test!r:.60}, expected an `input` and `output`")
    return [CodeTest(test["input"], test["output"]) for test in tests]
