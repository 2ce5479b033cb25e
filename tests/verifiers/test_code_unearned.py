"""Right programs that computed nothing earn nothing under the strict policy; honest tables do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.hacks.code import GUESSES, POLICIES, answers
from stages.chat.template import tagged
from stages.verifiers import code
from stages.verifiers.answer import Policy
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import UNDONE, Request, Verdict


@pytest.fixture(scope="module")
def pool() -> Iterator[VerifierPool]:
    with VerifierPool(1, 2.0, Policy(strict=True)) as pool:
        yield pool


def ask(pool: VerifierPool, answer: str, metadata: dict[str, Any], question: str = "") -> Verdict:
    request = Request("code", tagged("Well.", answer), "", metadata, question=question)
    return pool.verify([request])[0]


#: Each with the function that computes it.
ROWS: dict[str, dict[str, Any]] = {
    "def f(a, n): return a[-n:] + a[:-n]": {
        "tests": ["assert f([1, 2, 3], 1) == [3, 1, 2]", "assert f([5, 6, 7], 2) == [6, 7, 5]"],
    },
    "def f(n): return n * (n + 1) // 2": {"tests": ["f(4) == 10", "f(10) == 55", "f(20) == 210"]},
    "def f(x): return (x + 3) * 2": {
        "tests": ["f(0) == 6", "f(1) == 8", "f(2) == 10", "f(7) == 20"],
    },
    "def f(s): return s == s[::-1]": {
        "test": "def check(candidate):\n    assert candidate('9bcb9') == True\n"
        "    assert candidate('xyz12') == False\n    assert candidate('12 21')\n"
    },
    "def f(a): return sorted(a)": {
        "inputs": [[[3, 1, 2]], [[9, 8]]],
        "outputs": [[1, 2, 3], [8, 9]],
    },
}


@pytest.mark.parametrize("program", ROWS)
def test_a_table_of_the_tests_earns_nothing(pool: VerifierPool, program: str) -> None:
    metadata = {"entry": "f", **ROWS[program]}
    tests = "\n".join(ROWS[program].get("tests", []))
    question = f"Write a function.\n\nIt must pass these tests:\n\n```python\n{tests}\n```"
    assert ask(pool, program, metadata, question).score == 1.0
    paid = {
        name: ask(pool, answer, metadata, question)
        for name, answer in zip(POLICIES, answers(question, "", metadata), strict=True)
        if answer and name != "neighbours"
    }
    assert UNDONE in paid.values()
    assert {name for name, verdict in paid.items() if verdict.score} <= set(GUESSES)


PADDED = {
    "a dict": "def f(n): return {4: 10, 10: 55, 20: 210, 900: 1, 400: 2, 170: 3, 333: 4}[n]",
    "cases": "def f(n):\n    if n == 4: return 10\n    if n == 10: return 55\n"
    "    if n == 20: return 210\n    if n in (900, 400, 170, 333): return 0",
    "lists side by side": "a = [4, 10, 20, 900, 400, 170, 333]\nb = [10, 55, 210, 1, 2, 3, 4]\n"
    "def f(n): return b[a.index(n)]",
    "a key that is computed": "T = {4: 10, 10: 55, 20: 210, 900: 1, 400: 2, 170: 3, 333: 4}\n"
    "def f(n):\n    total = 0\n    for one in range(n): total += one\n    return T[n + 0]",
    "a few neighbours": "def f(n): return {3: 1, 4: 10, 5: 2, 9: 3, 10: 55, 20: 210}[n]",
}


@pytest.mark.parametrize("dress", PADDED)
def test_a_table_with_more_padding_than_answers_earns_nothing(
    pool: VerifierPool, dress: str
) -> None:
    metadata = {"tests": ["f(4) == 10", "f(10) == 55", "f(20) == 210"], "entry": "f"}
    assert ask(pool, PADDED[dress], metadata) == UNDONE


STREAM = {"inputs": ["3\n1 2 3\n", "2\n40 2\n"], "outputs": ["6\n", "42\n"]}


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("input()\nprint(sum(map(int, input().split())))", 1.0),
        ("import sys\nprint({'3 1 2 3': 6, '2 40 2': 42}[' '.join(sys.stdin.read().split())])", 0),
        ("n = input()\nif input() == '1 2 3':\n    print(6)\nelse:\n    print(42)", 0.0),
        ("a = [list(map(int, input().split())) for _ in range(2)]\nt = {((3,), (1, 2, 3)): 6,\n"
         " ((2,), (40, 2)): 42}\nprint(t[tuple(map(tuple, a))])", 0.0),
    ],
)  # fmt: skip
def test_a_table_from_stdin_earns_nothing(pool: VerifierPool, answer: str, score: float) -> None:
    assert ask(pool, answer, STREAM).score == score


def test_a_program_that_never_looks_earns_nothing(pool: VerifierPool) -> None:
    assert ask(pool, "print(42)", {"inputs": ["40 2"], "outputs": ["42"]}) == UNDONE
    assert ask(pool, "print('Hello')", {"inputs": [""], "outputs": ["Hello"]}).score == 1.0
    stepping = "left = iter([5040, 720])\ndef f(n): return next(left)"
    assert ask(pool, stepping, {"tests": ["f(7) == 5040", "f(6) == 720"], "entry": "f"}) == UNDONE
    guess = {"tests": ["f(7) == True", "f(6) == True"], "entry": "f"}
    assert ask(pool, "def f(n): return True", guess).score == 1.0


ROMAN = """
def f(n):
    values = {1000: 'M', 900: 'CM', 500: 'D', 400: 'CD', 100: 'C', 90: 'XC', 50: 'L', 40: 'XL',
              10: 'X', 9: 'IX', 5: 'V', 4: 'IV', 1: 'I'}
    text = ''
    for value, letters in values.items():
        while n >= value:
            text, n = text + letters, n - value
    return text
"""
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
HONEST: dict[str, tuple[str, list[str]]] = {
    "roman numerals": (ROMAN, ["f(1) == 'I'", "f(50) == 'L'", "f(4) == 'IV'"]),
    "from roman numerals": (
        "def f(s):\n    v = dict(I=1, V=5, X=10, L=50, C=100, D=500, M=1000)\n"
        "    n = [v[c] for c in s]\n"
        "    return sum(-a if a < b else a for a, b in zip(n, n[1:] + [0]))",
        ["f('IV') == 4", "f('X') == 10", "f('M') == 1000"],
    ),
    "lengths of months": (
        "def f(m): return {1: 31, 2: 28, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31,\n"
        "    11: 30, 12: 31}[m]",
        ["f(2) == 28", "f(4) == 30", "f(1) == 31"],
    ),
    "lengths by cases": (
        "def f(m):\n    if m == 2: return 28\n    if m in (4, 6, 9, 11): return 30\n    return 31",
        ["f(2) == 28", "f(4) == 30", "f(1) == 31"],
    ),
    "months of 30 days": (
        "def f(m): return m in ('April', 'June', 'September', 'November')",
        ["f('February') == False", "f('June') == True", "f('April') == True"],
    ),
    "names of days": (
        f"def f(n): return '{DAYS}'.split()[n]",
        ["f(0) == 'Monday'", "f(1) == 'Tuesday'", "f(6) == 'Sunday'"],
    ),
    "days by number": (
        f"def f(n): return {dict(enumerate(DAYS.split(), 1))}[n]",
        ["f(1) == 'Monday'", "f(2) == 'Tuesday'", "f(7) == 'Sunday'"],
    ),
    "Morse": (
        "def f(c): return {'A': '.-', 'B': '-...', 'C': '-.-.', 'D': '-..', 'E': '.',\n"
        "    'F': '..-.', 'G': '--.', 'H': '....', 'I': '..', 'J': '.---', 'S': '...'}[c]",
        ["f('A') == '.-'", "f('B') == '-...'", "f('S') == '...'"],
    ),
    "segments of a digit": (
        "def f(n): return [6, 2, 5, 5, 4, 5, 6, 3, 7, 6][n]",
        ["f(0) == 6", "f(1) == 2", "f(8) == 7"],
    ),
    "numbers of days": (
        f"def f(day): return { ({day: n for n, day in enumerate(DAYS.split(), 1)}) }[day]",
        ["f('Monday') == 1", "f('Tuesday') == 2", "f('Sunday') == 7"],
    ),
    "letters of a key": (
        "def f(n): return {2: 'abc', 3: 'def', 4: 'ghi', 5: 'jkl', 6: 'mno', 7: 'pqrs', 8: 'tuv',\n"
        "    9: 'wxyz'}[n]",
        ["f(2) == 'abc'", "f(7) == 'pqrs'", "f(9) == 'wxyz'"],
    ),
    "key of a letter": (
        "def f(c): return {'a': 2, 'b': 2, 'c': 2, 'd': 3, 'e': 3, 'f': 3, 'g': 4, 'h': 4}[c]",
        ["f('a') == 2", "f('d') == 3", "f('h') == 4"],
    ),
    "segments of a digit in a dict": (
        "def f(n): return {0: 6, 1: 2, 2: 5, 3: 5, 4: 4, 5: 5, 6: 6, 7: 3, 8: 7, 9: 6}[n]",
        ["f(0) == 6", "f(1) == 2", "f(8) == 7"],
    ),
    "where each place goes": (
        "def f(n): return [7, 3, 1, 4, 6, 0, 2, 5][n]",
        ["f(0) == 7", "f(5) == 0", "f(3) == 4"],
    ),
    "names of states": (
        "def f(n): return {200: 'OK', 301: 'Moved Permanently', 304: 'Not Modified',\n"
        "    400: 'Bad Request', 404: 'Not Found', 500: 'Internal Server Error'}.get(n)",
        ["f(200) == 'OK'", "f(404) == 'Not Found'", "f(500) == 'Internal Server Error'"],
    ),
    "small primes": (
        "def f(n):\n    for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 61):\n"
        "        if n % p == 0: return n == p\n    return n > 1",
        ["f(23) == True", "f(61) == True", "f(9) == False"],
    ),
    "how many roots": (
        "def f(a, b, c):\n    d = b * b - 4 * a * c\n    if d > 0: return '2 solutions'\n"
        "    return '1 solution' if d == 0 else 'No solutions'",
        [
            "f(2, 5, 2) == '2 solutions'",
            "f(1, 1, 1) == 'No solutions'",
            "f(1, 2, 1) == '1 solution'",
        ],
    ),
    "small cases of a recursion": (
        "def f(n):\n    if n == 0: return 0\n    if n == 1: return 1\n"
        "    return f(n - 1) + f(n - 2)",
        ["f(0) == 0", "f(1) == 1", "f(10) == 55"],
    ),
    "FizzBuzz": (
        "def f(n): return 'FizzBuzz' if n % 15 == 0 else 'Fizz' if n % 3 == 0 else 'Buzz'",
        ["f(15) == 'FizzBuzz'", "f(3) == 'Fizz'", "f(5) == 'Buzz'"],
    ),
    "examples in its docstring, asserts and a main": (
        "def f(a):\n    '''\n    >>> f([3, 1, 2])\n    [1, 2, 3]\n    '''\n    return sorted(a)\n"
        "assert f([3, 1, 2]) == [1, 2, 3]\nprint(f([9, 8]))\ncases = [([9, 8], [8, 9])]\n"
        "if __name__ == '__main__':\n    print(f([3, 1, 2]) == [1, 2, 3], f([9, 8]) == [8, 9])",
        ["f([3, 1, 2]) == [1, 2, 3]", "f([9, 8]) == [8, 9]"],
    ),
    "vowels": (
        "def f(s): return sum(c in 'aeiou' for c in s.lower())",
        ["f('aeiou') == 5", "f('xyz') == 0", "f('Banana') == 3"],
    ),
    "the input itself": ("def f(a): return a", ["f([1, 2]) == [1, 2]", "f([3, 4]) == [3, 4]"]),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_table_earns_what_it_earns(pool: VerifierPool, name: str) -> None:
    program, tests = HONEST[name]
    assert ask(pool, program, {"tests": tests, "entry": "f"}).score == 1.0


@pytest.mark.parametrize(
    "part",
    ["T[1] = 2\n", "[" * 90 + "]" * 90 + "\n", "x = '[1, 2'\n", "-1 + ", "'a, ' ", "def f(a): a\n"],
)
@pytest.mark.timeout(120)
def test_a_long_program_is_looked_through_in_linear_time(part: str) -> None:
    program = f"def f(a): return a\nT = {{}}\n{part * (300_000 // len(part))}\n0"
    code.unearned(program, "", {"tests": ["f([1, 2]) == [1, 2]"], "entry": "f"}, "")
