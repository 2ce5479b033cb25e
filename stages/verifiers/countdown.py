"""Game of 24 and Countdown: an expression of the given numbers whose value is the target.

reference: the target ("24"), or an expression that has its value, or "none" for a puzzle that has
no solution. metadata:

    {"numbers": [4, 4, 6, 8]}   whole numbers from 0
    {"use": "all"}              default: each exactly once, as in Game of 24, TinyZero and
                                reasoning-gym; "any": each at most once, as on television
    {"target": 24}              where the reference is not the target

An answer is one expression of stages/verifiers/arithmetic.py (so signs may stand before a number,
and powers, factorials and joined digits are refused), which may be followed or preceded by "= 24".
In a chain "a = b = 24" every side must have the target's value, and the first or the last must be
the expression of the numbers. The value is exact: 24.0000001 is not 24. "No solution" (none,
impossible, 无解) is right only where the reference says so; there an expression that reaches
metadata's target is right too. Two expressions, "or" and all other words are no answer.

A row proves itself by a solution that solver.py finds; where it finds none (it gives up on some
puzzles of six numbers), the reference must be a solution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from stages.verifiers.arithmetic import Expression, NotArithmetic, evaluate
from stages.verifiers.bare_text import LONGEST, TOO_LONG, plain
from stages.verifiers.leads import without_lead
from stages.verifiers.solver import solve
from stages.verifiers.verdict import ANSWER, RIGHT, WRONG, Unreadable, Verdict

READS = ANSWER
OPEN = True

SIDES = 6  # of a chain of equations
NO_SOLUTION = frozenset(
    {"none", "no solution", "no solutions", "no solution exists", "there is no solution",
     "impossible", "it is impossible", "not possible", "unsolvable", "无解", "没有解", "不可能"}
)  # fmt: skip
OTHER_NUMBERS = Verdict(0.0, "not the given numbers")
OTHER_VALUE = Verdict(0.0, "another value")


@dataclass(frozen=True)
class Target:
    """`value` None: no solution."""

    value: Fraction | None
    numbers: Counter[int]
    all_of_them: bool
    solvable: bool


def read(reference: str, metadata: Mapping[str, Any]) -> Target:
    """The target and the numbers that may be used."""
    use = metadata.get("use", "all")
    if use not in ("all", "any"):
        raise Unreadable(f"`use` is 'all' or 'any', not {use!r}")
    numbers = Counter(_numbers(metadata))
    solvable = not _says_none(reference)
    given = metadata.get("target", reference if solvable else None)
    return Target(None if given is None else _value(given), numbers, use == "all", solvable)


def judge(answer: str, target: Target) -> Verdict:
    """Right when the expression uses the numbers as asked and has the target's value."""
    if len(answer) > LONGEST:
        return TOO_LONG
    if _says_none(answer):
        return WRONG if target.solvable else RIGHT
    if target.value is None:
        return WRONG
    try:
        sides = [evaluate(side) for side in _sides(answer)]
    except NotArithmetic as problem:
        return Verdict(0.0, f"no arithmetic expression: {problem}")
    if any(side.value != target.value for side in sides):
        return OTHER_VALUE
    allowed = _allowed(sides[0], target) or _allowed(sides[-1], target)
    return RIGHT if allowed else OTHER_NUMBERS


def witness(reference: str, metadata: Mapping[str, Any]) -> str | None:
    """A solution of the puzzle, which proves its row; None where the reference is one itself."""
    target = read(reference, metadata)
    if target.value is None or judge(reference, target) == RIGHT:
        return None
    return solve(sorted(target.numbers.elements()), target.value, target.all_of_them)


def _numbers(metadata: Mapping[str, Any]) -> list[int]:
    numbers = metadata.get("numbers")
    if not isinstance(numbers, list | tuple) or not numbers:
        raise Unreadable("`numbers` must be a list of whole numbers from 0")
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers):
        raise Unreadable("`numbers` must be a list of whole numbers from 0")
    return list(numbers)


def _value(given: Any) -> Fraction:
    if isinstance(given, bool) or not isinstance(given, int | str):
        raise Unreadable(f"the target is no number: {given!r:.80}")
    try:
        return evaluate(_sides(str(given))[0]).value
    except NotArithmetic as problem:
        raise Unreadable(f"the target is no number: {problem}") from None


def _sides(text: str) -> Sequence[str]:
    stripped = without_lead(text.replace("：", ":").replace("＝", "=").strip()).strip(" \n.。`*")
    if stripped.count("=") >= SIDES:
        raise NotArithmetic(f"more than {SIDES} sides")
    return stripped.split("=")


def _allowed(side: Expression, target: Target) -> bool:
    used = Counter(side.numbers)
    return used == target.numbers if target.all_of_them else used <= target.numbers


def _says_none(text: str) -> bool:
    return without_lead(" ".join(plain(text).split())).strip(" .!。").casefold() in NO_SOLUTION
