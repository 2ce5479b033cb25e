"""Code answers: which part is the program, and every form of tests judged as Python would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.verifiers.code_program import extract
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import check_references
from stages.verifiers.verdict import Verdict

Judge = Callable[..., Verdict]

DATA = Path(__file__).parents[1] / "data"
REFERENCE = "def f(x): return x + 2"
TESTS = ["f(1) == 3", "assert 5 == f(3)", "abs(f(0.5) - 2.5) < 1e-9", "f(0) in (2, {'a': 1})"]
SUM = "print(sum(map(int, input().split())))"


def block(source: str, tag: str = "python") -> str:
    return f"```{tag}\n{source}\n```"


@pytest.mark.parametrize(
    "answer",
    [
        REFERENCE,
        block(REFERENCE),
        f"Here it is:\n{block(REFERENCE, '')}\nDone.",
        f"```py\n{REFERENCE}",
        f"~~~python\n{REFERENCE}\n~~~",
        "import math\n\ndef f(x):\n    print('noise')\n    return math.fsum([x, 2])",
        f"A draft:\n{block('def f(x): return 0')}\nBetter:\n{block(REFERENCE)}",
        f"{block(REFERENCE)}\nUse it so:\n{block('print(f(1))')}\nwhich prints\n{block('3', '')}",
        f"{block('pip install x', 'bash')}\n{block(REFERENCE)}\n{block('3', 'output')}",
    ],
)
def test_a_program_that_passes_every_test_is_right(judge: Judge, answer: str) -> None:
    assert judge("code", answer, REFERENCE, tests=TESTS, entry="f").score == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        f"{REFERENCE}\n```",
        f"{REFERENCE}\n```\nThis adds two.",
        *(block(REFERENCE, tag) for tag in ("python3.11", "ipython", "{.python}", "py3", "PYTHON")),
        *(block(REFERENCE, tag) for tag in ("python:main.py", "{.python .x}", "language-python")),
        f"~~~py3\n{REFERENCE}\n~~~",
        "1. So:\n\n   ```python\n   def f(x):\n       return x + 2\n   ```",
        "```python\n\tdef f(x):\n\t\treturn x + 2\n\t```",
        f"> So:\n> ```python\n> {REFERENCE}\n> ```",
        ">```python\n>def f(x):\n>\n>    return x + 2\n>```",
        f"```python {REFERENCE} ```",
        f"It is ```{REFERENCE}```.",
        f"```python {REFERENCE}\n```",
        '```python\ndef f(x):\n    """Add.\n\n    ```\n    f(1)\n    ```\n    """\n'
        "    return x + 2\n```",
    ],
)
def test_the_program_is_found_in_any_fence(judge: Judge, answer: str) -> None:
    assert judge("code", answer, REFERENCE, tests=TESTS, entry="f").score == 1.0


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (f"{block(REFERENCE)}\nUse it so:\n{block('print(f(1))')}", 1.0),
        (f"{block('f = lambda x: x + 2')}\n{block('assert f(1) == 3')}", 1.0),
        (f"{block('def g(x): return x + 1')}\n{block('def f(x): return g(x) + 1')}", 1.0),
        (f"{block('import math')}\n{block('def f(x): return math.ceil(x) + 2')}", 1.0),
        (f"{block('def f(x): return 0')}\n{block(REFERENCE)}", 1.0),
        (f"{block(REFERENCE)}\n{block('def f(x): return 0')}", 0.0),
        (f"{block(REFERENCE)}\n{block('print(1)')}\n{block('def f(x): return x +')}", 1.0),
    ],
)
@pytest.mark.parametrize("entry", ["f", ""])
def test_the_tests_say_which_block_is_the_program(
    judge: Judge, answer: str, score: float, entry: str
) -> None:
    tests = ["f(1) == 3", "assert f(4) == 6"]
    assert judge("code", answer, REFERENCE, tests=tests, entry=entry).score == score


@pytest.mark.parametrize(
    "answer",
    [
        "def f(x): return x + 1",
        "def f(x): return 3",
        "def g(x): return x + 2",
        "def f(x) return x + 2",
        "x + 2",
        f"{block(REFERENCE)}\nor rather\n{block('def f(x): return 0')}",
        block(REFERENCE, "bash"),
        f"The program is {REFERENCE}",
        "",
    ],
)
def test_a_program_that_fails_one_test_is_wrong(judge: Judge, answer: str) -> None:
    assert judge("code", answer, REFERENCE, tests=TESTS, entry="f").score == 0.0


def test_an_assert_takes_what_python_takes_for_true(judge: Judge) -> None:
    reference = "import re\ndef f(x): return re.search('a', x)"
    tests = ["assert f('abc')", "assert not f('xyz'), 'there is no a'"]
    assert judge("code", reference, reference, tests=tests, entry="f").score == 1.0
    for answer in ("def f(x): return 1", "def f(x): return None"):
        assert judge("code", answer, reference, tests=tests, entry="f").score == 0.0


@pytest.mark.parametrize(
    ("metadata", "reference"),
    [
        ({"tests": []}, REFERENCE),
        ({"tests": None}, REFERENCE),
        ({"tests": ["f(1"]}, REFERENCE),
        ({"tests": ["g(1) < 2"]}, REFERENCE),
        ({"tests": ["True"]}, REFERENCE),
        ({"tests": ["assert f(1) == 3; import os"]}, REFERENCE),
        ({"inputs": [[1]], "outputs": [{"accept": []}]}, REFERENCE),
        ({"tests": ["f(1) == 3"]}, "def f("),
        ({"test": ""}, REFERENCE),
        ({"test": "def check(candidate) assert"}, REFERENCE),
        ({"test": "def check(candidate): pass", "entry": ""}, REFERENCE),
        ({"inputs": ["1"], "outputs": []}, SUM),
        ({"inputs": ["1"], "outputs": [" "], "entry": ""}, SUM),
        ({"inputs": [1], "outputs": ["1"], "entry": ""}, SUM),
        ({"inputs": [[1]], "outputs": [3], "language": "cpp"}, "int f(int x) { return x + 2; }"),
        ({"tests": ["f(1) == 3"], "language": "cobol"}, REFERENCE),
        ({"tests": ["f(1) == 3"], "seconds": "two"}, REFERENCE),
        ({"tests": ["f(1) == 3"], "packages": ["no-such-package"]}, REFERENCE),
    ],
)
def test_tests_that_cannot_be_read_give_no_score(
    judge: Judge, metadata: dict[str, Any], reference: str
) -> None:
    assert judge("code", reference, reference, **{"entry": "f", **metadata}).score is None


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name / "sample.jsonl").open()]


@pytest.mark.parametrize("row", rows("humaneval"), ids=lambda row: row["task_id"])
def test_a_humaneval_solution_is_right_as_a_body_and_as_a_whole(
    judge: Judge, row: dict[str, Any]
) -> None:
    body, prompt = row["canonical_solution"], row["prompt"]
    metadata = {"test": row["test"], "entry": row["entry_point"], "prompt": prompt}
    for answer in (body, block(body), block(prompt + body), f"Sure.\n{block(prompt + body)}"):
        assert judge("code", answer, body, **metadata).score == 1.0
    for answer in ("    return None", block(prompt), block(f"def {row['entry_point']}(*a): pass")):
        assert judge("code", answer, body, **metadata).score == 0.0


@pytest.mark.parametrize("row", rows("mbpp"), ids=lambda row: str(row["task_id"]))
def test_an_mbpp_reference_is_right_and_another_one_is_not(
    judge: Judge, row: dict[str, Any]
) -> None:
    entry = row["test_list"][0].removeprefix("assert ").strip("( ").split("(")[0]
    metadata = {"tests": row["test_list"], "entry": entry, "setup": row["test_setup_code"]}
    assert judge("code", row["code"], row["code"], **metadata).score == 1.0
    wrong = f"{row['code']}\ndef {entry}(*a): return -1"
    assert judge("code", wrong, row["code"], **metadata).score == 0.0


UNITTEST = """
import unittest
class Tests(unittest.TestCase):
    def setUp(self): self.one = 1
    def test_value(self): self.assertEqual(f(self.one), 3)
    def test_error(self):
        with self.assertRaises(TypeError): f("a")
"""
SUITES = {
    "check": "def check(candidate):\n    for n in range(3): assert candidate(n) == n + 2",
    "unittest": UNITTEST,
    "pytest": "from solution import f\ndef test_it(): assert f(1) == 3",
    "asserts": "import math\nassert math.isclose(f(0.5), 2.5)\nassert candidate(1) == 3",
}


@pytest.mark.parametrize("form", SUITES)
def test_a_suite_of_any_form_calls_the_program(judge: Judge, form: str) -> None:
    metadata = {"test": SUITES[form], "entry": "f"}
    assert judge("code", REFERENCE, REFERENCE, **metadata).score == 1.0
    assert judge("code", "def f(x): return x + 1", REFERENCE, **metadata).score == 0.0


@pytest.mark.parametrize(
    "suite",
    [
        "def check(candidate): assert 1 == 1",
        "def check(candidate): assert candidate(1) == helper(1)",
        "import not_installed\ndef check(candidate): assert candidate(1) == 3",
        "def check(candidate): assert candidate(lambda x: x) == 3",
        "import unittest\nclass Tests(unittest.TestCase): pass",
    ],
)
def test_a_suite_that_cannot_judge_gives_no_score(judge: Judge, suite: str) -> None:
    assert judge("code", REFERENCE, REFERENCE, test=suite, entry="f").score is None


def test_a_row_names_the_packages_that_it_needs(judge: Judge) -> None:
    program = "import numpy as np\ndef f(n): return float(np.arange(n).sum())"
    suite = "import numpy as np\ndef check(candidate): assert np.isclose(candidate(4), 6)"
    metadata = {"test": suite, "entry": "f"}
    assert judge("code", program, program, **metadata, packages=["numpy"]).score == 1.0
    assert "numpy" in judge("code", program, program, **metadata).reason


def test_results_may_be_any_plain_data(judge: Judge) -> None:
    program = "def f(n): return {'a': (1, [2.5, None]), 'b': {1}, 'c': (i for i in range(n))}"
    suite = (
        "def check(candidate):\n    r = candidate(3)\n    assert r['a'] == (1, [2.5, None])\n"
        "    assert r['b'] == {1} and list(r['c']) == [0, 1, 2]"
    )
    assert judge("code", program, program, test=suite, entry="f").score == 1.0


@pytest.mark.parametrize(
    ("metadata", "answer", "score"),
    [
        ({}, "def f(a, b): return (a, b)", 1.0),
        ({}, "class Solution:\n    def f(self, a, b): return [a, b]", 1.0),
        ({}, "def f(a, b): return [b, a]", 0.0),
        ({}, "def f(a): return [a, 'x']", 0.0),
        ({"outputs": [[1.0000001, "x"], [2, "y"]]}, "def f(a, b): return [a, b]", 0.0),
        (
            {"outputs": [[1.0000001, "x"], [2, "y"]], "tolerance": 1e-6},
            "def f(a, b): return [a, b]",
            1.0,
        ),
        ({"inputs": ['1\n"x"', '2\n"y"'], "outputs": ['[1, "x"]', '[2, "y"]']},
         "def f(a, b): return [a, b]", 1.0),
    ],
)  # fmt: skip
def test_arguments_and_results_as_json(
    judge: Judge, metadata: dict[str, Any], answer: str, score: float
) -> None:
    rows = {"inputs": [[1, "x"], [2, "y"]], "outputs": [[1, "x"], [2, "y"]], "fn_name": "f"}
    reference = "def f(a, b): return [a, b]"
    assert judge("code", answer, reference, **{**rows, **metadata}).score == score


@pytest.mark.parametrize(
    ("output", "right", "wrong"),
    [
        ({"1": "a", "2": {"3": [4, 5]}}, {1: "a", 2: {3: (4, 5)}}, {1: "a", 2: {3: [4, 6]}}),
        ({"true": 1, "null": 2, "0.5": 3}, {True: 1, None: 2, 0.5: 3}, {1: 1, None: 2, 0.5: 3}),
        ({"1": "a"}, {"1": "a"}, {1: "a", "1": "a"}),
        ({"accept": [[1, 2], [2, 1]]}, [2, 1], [[1, 2], [2, 1]]),
        ({"accept": [3, "three"]}, "three", {"accept": [3, "three"]}),
    ],
)
def test_a_result_is_as_json_has_it_or_one_of_several(
    judge: Judge, output: Any, right: Any, wrong: Any
) -> None:
    rows = {"inputs": [[1]], "outputs": [output], "entry": "f"}
    assert judge("code", f"def f(x): return {right!r}", "", **rows).score == 1.0
    assert judge("code", f"def f(x): return {wrong!r}", "", **rows).score == 0.0
    as_text = rows | {"inputs": ["1"], "outputs": [json.dumps(output)]}
    if "accept" not in output:
        assert judge("code", f"def f(x): return {right!r}", "", **as_text).score == 1.0


def test_several_outputs_may_be_right(judge: Judge) -> None:
    rows = {"inputs": ["2"], "outputs": [{"accept": ["1 2", "2 1\n"]}]}
    assert judge("code", "print(2, 1)", "", **rows).score == 1.0
    assert judge("code", "print(2, 2)", "", **rows).score == 0.0


COUNTER = """
class C:
    n = 0
    def up(self):
        self.n += 1
        return self.n
def f(x): return x + 2
def g(a): a.sort()
"""


@pytest.mark.parametrize(
    ("test", "score"),
    [
        ("assert f(1) == 3\nassert f(2) == 4", 1.0),
        ("assert f(1) == 3\nassert f(2) == 5", 0.0),
        ("x = f(1); assert x == 3", 1.0),
        ("c = C()\nc.up()\nassert c.up() == 2", 1.0),
        ("a = [2, 1]\ng(a)\nassert a == [1, 2]", 1.0),
        ("a = [2, 1]\ng(a)\nassert a == [2, 1]", 0.0),
        ("import math\nassert math.isclose(f(0.5), 2.5)", 1.0),
        ("for i in range(5):\n    assert f(i) == i + 2", 1.0),
        ("for i in range(5):\n    assert f(i) == i + 1", 0.0),
        ("try:\n    f('a')\n    assert False\nexcept TypeError: pass", 1.0),
        ("want = [3]\nassert [f(1)] == want", 1.0),
        ("y = f(1)\nassert abs(y - 4) < 0.5", 0.0),
    ],
)
def test_a_test_may_be_several_statements(judge: Judge, test: str, score: float) -> None:
    assert judge("code", COUNTER, "", tests=[test], entry="f").score == score


DIGITS = "1" + "0" * 5000


@pytest.mark.parametrize(
    ("metadata", "answer"),
    [
        ({"inputs": ["1"], "outputs": [DIGITS]}, "print(10 ** 5000)"),
        ({"inputs": [DIGITS], "outputs": [DIGITS[:-1] + "1"]}, "print(int(input()) + 1)"),
        ({"inputs": [DIGITS], "outputs": [DIGITS], "entry": "f"}, "def f(x): return x"),
        ({"tests": ["f(1) == '1' + '0' * 5000"], "entry": "f"}, "def f(x): return str(10**5000)"),
        ({"tests": ["f(1) == 10 ** 5000"], "entry": "f"}, "def f(x): return x * 10**5000"),
    ],
)
def test_numbers_may_have_more_digits_than_python_prints(
    judge: Judge, metadata: dict[str, Any], answer: str
) -> None:
    assert judge("code", answer, "", **metadata).score == 1.0
    wrong = answer.replace("5000", "4999").replace("+ 1", "+ 2").replace("return x", "return 2 * x")
    assert judge("code", wrong, "", **metadata).score == 0.0


THREADS = {
    "a thread": "import threading as t\nr = []\nw = t.Thread(target=lambda: r.append(add()))\n"
    "w.start(); w.join()\nprint(r[0])",
    "a thread that nobody joins": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.05), print(add()))).start()",
    "a timer": "import threading as t\nw = t.Timer(0.01, lambda: print(add()))\n"
    "w.start(); w.join()",
    "a queue": "import threading, queue\nq, s = queue.Queue(1), []\n"
    "w = threading.Thread(target=lambda: s.extend((q.get(), q.get())))\nw.start()\n"
    "for v in input().split(): q.put(int(v))\nw.join()\nprint(sum(s))",
    "a pool": "from concurrent.futures import ThreadPoolExecutor as P\n"
    "with P(8) as p: print(sum(p.map(int, input().split())))",
    "a barrier": "import threading as t\nb = t.Barrier(2)\nw = t.Thread(target=b.wait); w.start()\n"
    "b.wait(); print(add())",
    "sixty at once": "import threading as t\ne = t.Event()\n"
    "for _ in range(60): t.Thread(target=e.wait).start()\ne.set(); print(add())",
    "a daemon": "import threading as t\nt.Thread(target=t.Event().wait, daemon=True).start()\n"
    "print(add())",
    "a deep stack": "import sys, threading as t\n"
    "sys.setrecursionlimit(10**6)\nt.stack_size(1 << 29)\ndef d(n): return n and d(n - 1)\n"
    "w = t.Thread(target=lambda: print(d(40000) + add()))\n"
    "w.start(); w.join()",
    "asyncio": "import asyncio\nasync def m():\n    await asyncio.sleep(0.01)\n"
    "    return await asyncio.to_thread(add)\nprint(asyncio.run(m()))",
}


@pytest.mark.parametrize("name", THREADS)
def test_a_program_has_threads_and_queues(judge: Judge, name: str) -> None:
    source = f"def add(): return sum(map(int, input().split()))\n{THREADS[name]}"
    rows = {"inputs": ["1 2\n", "3 4\n"], "outputs": ["3\n", "7\n"], "seconds": 2.0}
    assert judge("code", source, SUM, **rows).score == 1.0


def test_a_function_has_threads(judge: Judge) -> None:
    pool = "from concurrent.futures import ThreadPoolExecutor as P\ndef f(x):\n"
    pool += "    with P(2) as p: return p.submit(lambda: x + 2).result()"
    assert judge("code", pool, "", tests=["f(1) == 3"], entry="f").score == 1.0
    suite = "def check(candidate): assert candidate(1) == 3"
    assert judge("code", pool, "", test=suite, entry="f").score == 1.0


def test_numpy_multiplies_and_inverts(judge: Judge) -> None:
    program = "import numpy as np\ndef f(n):\n    a = 2 * np.eye(n)\n"
    program += "    return float((np.linalg.inv(a) @ a @ a).trace()) + np.linalg.svd(a)[1][0]"
    rows = {"tests": ["f(64) == 130", "f(300) == 602"], "entry": "f", "packages": ["numpy"]}
    assert judge("code", program, "", **rows).score == 1.0


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (SUM, 1.0),
        ("import sys\nfor line in sys.stdin: print(sum(map(int, line.split())))", 1.0),
        ("import os\nprint(sum(map(int, os.read(0, 99).split())))", 1.0),
        ("print(sum(map(int, open(0).read().split())), end='')", 1.0),
        (f"def main():\n    {SUM}\nif __name__ == '__main__': main()", 1.0),
        (f"{SUM}\nexit()", 1.0),
        (
            f"from threading import Thread\ndef main():\n    {SUM}\n"
            "t = Thread(target=main)\nt.start()\nt.join()",
            1.0,
        ),
        ("import atexit\natexit.register(lambda: print(n))\nn = sum(map(int, input().split()))", 1),
        (f"print('  ', end='')\n{SUM}\nprint()", 1.0),
        ("print(3)", 0.0),
        ("print('3 7')", 0.0),
        (f"{SUM}\nexit(1)", 0.0),
        (f"{SUM}\n1 / 0", 0.0),
        (f"print('Sum:')\n{SUM}", 0.0),
        ("print(float(sum(map(int, input().split()))))", 0.0),
        ("def main(): pass", 0.0),
    ],
)
def test_a_program_reads_stdin_and_its_words_are_compared(
    judge: Judge, answer: str, score: float
) -> None:
    rows = {"inputs": ["1 2\n", "3 4\n"], "outputs": ["3\n", "7\n"]}
    assert judge("code", answer, SUM, **rows).score == score
    tests = [{"input": "1 2\n", "output": "3\n"}, {"input": ["3 4"], "output": ["7", ""]}]
    assert judge("code", answer, SUM, tests=tests).score == score


@pytest.mark.parametrize(
    ("printed", "score"),
    [("0.3333331", 1.0), ("0.33", 0.0), ("nan", 0.0), ("1/3", 0.0), ("0.3333333 0", 0.0)],
)
def test_numbers_may_differ_only_where_the_row_says_so(
    judge: Judge, printed: str, score: float
) -> None:
    rows = {"inputs": [""], "outputs": ["0.3333333"]}
    answer, reference = f"print('{printed}')", "print('0.3333333')"
    assert judge("code", answer, reference, **rows, tolerance=1e-6).score == score
    assert judge("code", answer, reference, **rows).score == 0.0


BUSY = """
import time
end = time.process_time() + {}
while time.process_time() < end: pass
print('ok')
"""


def test_a_row_limits_time_and_memory(judge: Judge) -> None:
    rows = {"inputs": [""], "outputs": ["ok"]}
    busy, large = BUSY.format(1), "x = bytes(400 << 20); print('ok')"
    assert judge("code", busy, busy, **rows).score == 1.0
    assert judge("code", busy, busy, **rows, seconds=0.3).reason == "program: timed out"
    assert judge("code", large, large, **rows).score == 1.0
    assert judge("code", large, large, **rows, memory_mb=256).score == 0.0


def test_a_row_may_have_more_time_than_the_pool(judge: Judge) -> None:
    rows = {"inputs": ["", "again"], "outputs": ["ok", "ok"]}
    busy = BUSY.format(2.5)  # twice; the pool has 2 s for all (conftest.py)
    assert judge("code", busy, busy, **rows).reason == "program: timed out"
    assert judge("code", busy, busy, **rows, seconds=4).score == 1.0


def test_waiting_for_the_machine_is_not_the_time_of_a_program(judge: Judge) -> None:
    rows = {"inputs": [""], "outputs": ["ok"], "seconds": 0.5}
    assert judge("code", "import time; time.sleep(1); print('ok')", "", **rows).score == 1.0
    asleep = judge("code", "import time; time.sleep(60); print('ok')", "", **rows)
    assert asleep.reason == "program: timed out"


def test_a_program_cannot_hide_the_time_that_it_takes(judge: Judge) -> None:
    rows = {"inputs": [""], "outputs": ["ok"], "seconds": 0.5}
    blocked = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPROF})"
    for hidden in (blocked, "import signal\nsignal.signal(signal.SIGPROF, signal.SIG_IGN)"):
        answer = f"{hidden}{BUSY.format(0.9)}"
        assert judge("code", answer, "", **rows).reason == "program: timed out"


def test_the_first_test_that_fails_ends_the_judging(judge: Judge) -> None:
    program = "def f(x):\n    while x: pass\n    return 1"
    verdict = judge("code", program, REFERENCE, tests=["f(0) == 2", "f(1) == 3"], entry="f")
    assert verdict.reason == "a test failed"


@pytest.mark.parametrize("letter", ["`", "~", "```\n", "```python\n", " ", "(", "a", "\\", "，"])
@pytest.mark.timeout(60)
def test_a_megabyte_of_anything_is_read_in_no_time(letter: str) -> None:
    extract(letter * (1_000_000 // len(letter)), "f", "", "")


def test_tests_without_a_reference_program_judge_all_the_same(judge: Judge) -> None:
    tests = {"tests": ["double(2) == 4"], "entry": "double"}
    assert judge("code", "def double(x): return 2 * x", "", **tests).score == 1.0
    assert judge("code", "def double(x): return x", "", **tests).score == 0.0
    row = {"id": "r", "verifier": "code", "reference": "", "metadata": json.dumps(tests)}
    with VerifierPool(workers=1) as pool:
        assert check_references([row], pool) == []
        assert check_references([row | {"metadata": "{}"}], pool)[0].score is None
