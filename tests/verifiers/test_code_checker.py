"""Checkers and named files: several outputs are right, and no answer decides which."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stages.chat.template import tagged
from stages.verifiers.answer import Policy
from stages.verifiers.code import witness
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import check_references
from stages.verifiers.verdict import Request, Verdict

Judge = Callable[..., Verdict]

#: Made to the shape of open-r1/codeforces: two positive numbers with a sum, in any split.
CHECKER = """
import sys

def main():
    with open(sys.argv[1]) as given, open(sys.argv[3]) as answer:
        total, found = int(given.read()), answer.read().split()
    if len(found) != 2 or any(float(x) < 1 for x in found):
        print(0)
    else:
        print(0 if abs(float(found[0]) + float(found[1]) - total) > 1e-6 else 1)

main()
"""
SPLIT = {"inputs": ["5\n", "9\n"], "outputs": ["1 4\n", "3 6\n"], "test_seconds": 1.0}
CHECKED = {**SPLIT, "checker": CHECKER}
FILES = {**CHECKED, "files": {"input": "input.txt", "output": "output.txt"}}
RIGHT = "n = int(input())\nprint(2, n - 2)"


@pytest.mark.parametrize("answer", [RIGHT, "n = int(input())\nprint(n / 2, n / 2, end='')"])
def test_any_output_that_the_checker_accepts_is_right(judge: Judge, answer: str) -> None:
    assert judge("code", answer, "", **CHECKED).score == 1.0
    assert judge("code", answer, "", **SPLIT).score == 0.0


@pytest.mark.parametrize(
    "answer",
    [
        "n = int(input())\nprint(2, n - 3)",
        "print(1)",
        "print('1', flush=True); import sys; sys.exit(0)",
        "print('nan nan')",
        "print('inf', '-inf')",
        "print('1e999', 1)",
        "pass",
        "print(chr(10))",
        "print('__import__(\"builtins\").print(1)')",
        "print('1 4' + chr(0))",
        'import os\nfor d in range(3, 64):\n    try: os.write(d, b\'["list", ["1", 0]]\\n\')\n'
        "    except OSError: pass\nprint(1)",
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nprint(1)",
        "import builtins\nbuiltins.print = lambda *a, **k: None\nimport sys\nsys.stdout.write('1')",
        "print(open('correct_output.txt').read())",
        "open('solution_output.txt', 'w').write('1 4')",
        "import sys\nprint(open(sys.argv[2]).read())",
        f"{RIGHT}\nimport os\nos._exit(3)",
        "print('1 4 ' * 10 ** 6)",
        "import sys\nsys.stdout.buffer.write(bytes([255, 254]))",
    ],
)
def test_no_answer_writes_its_own_verdict(judge: Judge, answer: str) -> None:
    assert judge("code", answer, "", **CHECKED).score == 0.0


@pytest.mark.parametrize(
    ("checker", "reason"),
    [
        ("print(1)", "accepts an output that says nothing"),
        ("try:\n    int(open('no').read())\nexcept Exception:\n    print(1)", "says nothing"),
        ("print(0)", "refuses the row's own output"),
        ("import sys\nprint(1)\nsys.exit(1)", "refuses the row's own output"),
        ("while True: pass", "refuses the row's own output"),
        ("print(1", "no Python"),
        ("import sys\nprint(eval(open(sys.argv[3]).read()))", "uses eval"),
        ("import pickle\nprint(1)", "uses pickle"),
    ],
)
def test_a_checker_that_cannot_be_trusted_judges_nothing(
    judge: Judge, checker: str, reason: str
) -> None:
    verdict = judge("code", RIGHT, "", **{**SPLIT, "checker": checker})
    assert verdict.score is None
    assert reason in verdict.reason


@pytest.mark.parametrize(
    "answer",
    [
        "n = int(open('input.txt').read())\nprint(2, n - 2, file=open('output.txt', 'w'))",
        "import sys\nsys.stdin = open('input.txt')\nsys.stdout = open('output.txt', 'w')\n" + RIGHT,
        "from pathlib import Path\nn = int(Path('./input.txt').read_text())\n"
        "Path('output.txt').write_text(f'2 {n - 2}')\nprint('done')",
        "with open('input.txt', 'rb') as f, open('output.txt', 'ab') as g:\n"
        "    g.write(b'2 ')\n    g.write(str(int(f.readline()) - 2).encode())",
    ],
)
def test_files_stand_for_stdin_and_stdout(judge: Judge, answer: str) -> None:
    assert judge("code", answer, "", **FILES).score == 1.0


def test_what_is_printed_is_nothing_where_a_file_is_asked_for(judge: Judge) -> None:
    answer = "n = int(open('input.txt').read())\nprint(2, n - 2)"
    assert judge("code", answer, "", **FILES).score == 0.0
    assert judge("code", answer, "", **{**FILES, "files": {"input": "input.txt"}}).score == 1.0


def test_other_names_are_real_files_that_cannot_be_written(judge: Judge) -> None:
    answer = "open('/tmp/output.txt', 'w').write('1')"
    assert judge("code", answer, "", **FILES).reason == "program: exit status 1"


@pytest.mark.parametrize("files", [{"input": "../x"}, {"stdin": "x"}, "x"])
def test_files_must_be_plain_names(judge: Judge, files: Any) -> None:
    assert judge("code", RIGHT, "", **{**SPLIT, "files": files}).score is None


@pytest.mark.parametrize("row", [CHECKED, FILES])
def test_a_table_of_the_right_outputs_proves_a_row_with_a_checker(
    judge: Judge, row: dict[str, Any]
) -> None:
    proof = witness("", row)
    assert proof is not None
    assert judge("code", proof, "", **row).score == 1.0
    assert witness("", SPLIT) is None
    assert witness(RIGHT, row) is None


def test_a_row_whose_checker_refuses_one_of_its_outputs_is_named(pool: VerifierPool) -> None:
    metadata = {**CHECKED, "outputs": ["1 4\n", "3 7\n"]}
    row = {"id": "a", "verifier": "code", "reference": "", "metadata": json.dumps(metadata)}
    assert [failure.id for failure in check_references([row], pool)] == ["a"]


# A time for each test ---------------------------------------------------------------------------

SLOW = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\n"


@pytest.mark.parametrize(
    ("seconds", "whole", "score"), [(0.3, 9, 1.0), (1.2, 9, 0.0), (0.3, 1, 0.0)]
)
def test_a_test_has_a_limit_and_so_has_the_answer(
    judge: Judge, seconds: float, whole: float, score: float
) -> None:
    row = {"inputs": ["1\n"] * 6, "outputs": ["1\n"] * 6, "test_seconds": 0.8, "seconds": whole}
    assert judge("code", SLOW.format(seconds) + "print(1)", "", **row).score == score


CALLS = {"inputs": [[1], [2], [3]], "outputs": [2, 3, 4], "entry": "f", "test_seconds": 0.5}


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("def f(x): return x + 1", 1.0),
        ("class Solution:\n    def f(self, x): return x + 1", 1.0),
        ("seen = []\ndef f(x):\n    seen.append(x)\n    return x + len(seen)", 1.0),
        ("def f(x):\n    while x == 3: pass\n    return x + 1", 0.0),
        ("class A:\n    def __eq__(self, o): return True\ndef f(x): return A()", 0.0),
        ("import os\ndef f(x): os._exit(0)", 0.0),
        ("import sys\nsys.exit(0)\ndef f(x): return x + 1", 0.0),
        ("import os\ndef f(x):\n    os.write(3, b'2\\n')\n    os._exit(0)", 0.0),
        ("def f(x): raise SystemExit(2)", 0.0),
        ("def f(x): return [x + 1]", 0.0),
    ],
)
def test_each_call_is_a_run_of_its_own(judge: Judge, answer: str, score: float) -> None:
    assert judge("code", answer, "", **CALLS).score == score


# A program that must fail -----------------------------------------------------------------------

WRONG = "n = int(input())\nprint(n + 1 if n < 100 else n)"
MENDED = "n = int(input())\nprint(n + 1)"
TOLD = {"inputs": ["1\n", "200\n"], "outputs": ["2\n", "201\n"], "wrong": WRONG}
MISSED = {**TOLD, "inputs": ["1\n", "7\n"], "outputs": ["2\n", "8\n"]}


def test_the_program_to_be_mended_earns_nothing_where_no_test_finds_its_fault() -> None:
    renamed = f"# mended\n{WRONG.replace('n + 1', 'n+1')}"
    with VerifierPool(1, 5.0, Policy(strict=True)) as strict:
        asked = [Request("code", tagged("x", a), "", MISSED) for a in (WRONG, renamed, MENDED)]
        assert [v.reason for v in strict.verify(asked)] == [*["repeats its question"] * 2, "right"]


@pytest.mark.parametrize(("metadata", "failing"), [(TOLD, []), (MISSED, ["a"])])
def test_tests_that_a_wrong_program_passes_prove_nothing(
    pool: VerifierPool, metadata: dict[str, Any], failing: list[str]
) -> None:
    row = {"id": "a", "verifier": "code", "reference": MENDED, "metadata": json.dumps(metadata)}
    assert [failure.id for failure in check_references([row], pool)] == failing
