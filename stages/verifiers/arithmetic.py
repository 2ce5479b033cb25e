r"""Arithmetic over whole numbers: the grammar of mathematics, restricted, computed exactly.

Read are + - * / of whole numbers, brackets of any kind that close their own kind, \frac and
(4+8)(6-4); no powers, factorials, decimals, mixed numbers, functions or names, and two numbers side
by side are none. A bracket right after a division, as in 8/2(2+2), is refused, since people
disagree on it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from stages.verifiers.maths.errors import NotExact, TooLarge, Undefined, Unread
from stages.verifiers.maths.judges.values import value_of
from stages.verifiers.maths.nodes import Node, walk
from stages.verifiers.maths.reader.grammar import parse
from stages.verifiers.maths.reader.spelling import tidy

LONGEST = 1000  # letters of an expression
LARGEST = 10**9  # number

_KINDS = frozenset(["number", "add", "neg", "mul", "div"])
_TIMES = re.compile(r"(?<=[\d)\]} ])[xX](?=[\d(\[{ \\])|[✕✖]")  # 3 x 4
_BRACES = re.compile(r"\\([{}])")
_WORDS = re.compile(r"[A-Za-z]{2,}|[,;:%'\"]")
_BESIDE = re.compile(r"\d\s+\d")
_SIGNS = re.compile(r"[-+*/]|[(\[{]|[)\]}]|\\frac|\d+")


class NotArithmetic(ValueError):
    """The text is no expression of the grammar, or divides by zero."""


@dataclass(frozen=True)
class Expression:
    """The value, and the numbers as they were written, from left to right."""

    value: Fraction
    numbers: tuple[int, ...]


def evaluate(text: str) -> Expression:
    """The value of an expression; NotArithmetic for anything else."""
    try:
        tree = parse(_plain(text), grouping=False)
        value = value_of(tree).rational
    except (Unread, TooLarge) as problem:
        raise NotArithmetic(str(problem)) from None
    except (NotExact, Undefined):
        raise NotArithmetic("no number, or a division by zero") from None
    except RecursionError:
        raise NotArithmetic("nested too deeply") from None
    if value is None or any(part.kind not in _KINDS for part in walk(tree)):
        raise NotArithmetic("holds more than numbers, + - * / and brackets")
    return Expression(Fraction(value), tuple(map(_whole, _numbers(tree))))


def _plain(text: str) -> str:
    if len(text) > LONGEST:
        raise NotArithmetic(f"longer than {LONGEST} letters")
    if any(unicodedata.category(letter) == "No" for letter in text):
        raise NotArithmetic("a raised digit or a written fraction")
    plain = tidy(_TIMES.sub("*", _BRACES.sub(r"\1", text)))
    if _BESIDE.search(plain) or _WORDS.search(plain.replace("\\frac", "")):
        raise NotArithmetic("two numbers side by side, or words")
    if _is_ambiguous(plain):
        raise NotArithmetic("a bracket after a division may mean two things")
    return plain


def _is_ambiguous(plain: str) -> bool:
    """Whether a bracket stands right behind a divisor: 8/2(2+2)."""
    divided, outer, before = False, [], "+"
    for sign in _SIGNS.findall(plain):
        if sign in "([{":
            if divided and before not in "+-*/":
                return True
            outer.append(divided)
            divided = False
        elif sign in ")]}":
            divided = outer.pop() if outer else False
        elif sign in "+-*/":
            divided = sign == "/" or (divided and sign in "+-" and before == "/")
        before = sign
    return False


def _numbers(tree: Node) -> list[Fraction]:
    return [abs(part.value) for part in walk(tree) if part.kind == "number"]


def _whole(number: Fraction) -> int:
    if number.denominator != 1 or number >= LARGEST:
        raise NotArithmetic("a number that is not whole, or too large")
    return int(number)
