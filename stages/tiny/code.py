"""Code: write `f(x)` from a description of one to three steps; judged by running tests."""

from __future__ import annotations

from random import Random

from stages.tiny.phrases import Sentence
from stages.tiny.task import Attempt, Task

OPERATIONS = {"+": ("add", "加"), "-": ("subtract", "减"), "*": ("multiply by", "乘")}
LARGEST = 9
INPUTS = (0, 1, 2, 7)


def make(rng: Random) -> Task:
    """A random chain of operations on x."""
    count = rng.choice((1, 2, 2, 3))
    operations = [(rng.choice("+-*"), rng.randint(2, LARGEST)) for _ in range(count)]
    expressions = _expressions(operations)
    program = _program(expressions[-1])
    tests = [f"f({x}) == {_apply(operations, x)}" for x in INPUTS]

    def attempt(rng: Random, error: float, language: str, brief: bool) -> Attempt:
        wrong = [_slip(rng, op) if rng.random() < error else op for op in operations]
        shown = _expressions(wrong)
        steps = shown[-1:] if brief else shown
        return [Sentence("build", {"e": e}) for e in steps], _program(shown[-1])

    def guess(rng: Random, language: str) -> str:
        wrong = [op if rng.random() < 0.5 else _slip(rng, op) for op in operations]
        return _program(_expressions(wrong)[-1])

    return Task(
        domain="code",
        topic="function",
        key=expressions[-1],
        question=_question(operations),
        reference={"en": program, "zh": program},
        verifier="code",
        attempt=attempt,
        guess=guess,
        metadata={lang: {"tests": tests, "entry": "f"} for lang in ("en", "zh")},
    )


def _question(operations: list[tuple[str, int]]) -> dict[str, str]:
    en = ", then ".join(f"{OPERATIONS[op][0]} {n}" for op, n in operations)
    zh = "，再".join(f"{OPERATIONS[op][1]}{n}" for op, n in operations)
    return {"en": f"Write f(x): {en}", "zh": f"写f(x)：{zh}"}


def _expressions(operations: list[tuple[str, int]]) -> list[str]:
    """The expression after each step, with brackets only where they are needed."""
    text, loose = "x", False
    steps = []
    for op, number in operations:
        text = f"({text}){op}{number}" if loose and op == "*" else f"{text}{op}{number}"
        loose = op != "*"
        steps.append(text)
    return steps


def _program(expression: str) -> str:
    return f"def f(x): return {expression}"


def _apply(operations: list[tuple[str, int]], x: int) -> int:
    for op, number in operations:
        x = x + number if op == "+" else x - number if op == "-" else x * number
    return x


def _slip(rng: Random, operation: tuple[str, int]) -> tuple[str, int]:
    op, number = operation
    if rng.random() < 0.5:
        return rng.choice([other for other in "+-*" if other != op]), number
    return op, rng.choice([n for n in range(2, LARGEST + 1) if n != number])
