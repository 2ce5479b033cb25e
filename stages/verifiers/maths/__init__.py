r"""Mathematics: one reader, one tree, and three judges that ask each other in turn.

1. `reader` brings a text to one spelling, takes prose, dates and numbered parts off, and reads
   what is left by a grammar into a tree (`nodes`): numbers with units, tuples, sets, relations,
   families, functions in pieces, words. It refuses what it does not know: no text ever reaches eval
   or sympify.
2. `judges` compare two trees: by exact arithmetic (`values`, `exact`) and by structure
   (`structure`, `rows`, `regions`) in the caller's process, all steps bounded. Balls of 100 digits
   that do not meet (`numeric`) are different there, too.
3. What only more digits, equal numbers, families or curves can decide is left to a worker, which
   judges the same trees further (`scalars`, `families`, `spans`, `curves`).

`strict` says which right answers were not worked for: they repeat their question or leave it
undone.

What counts as the same answer:

- Equal values are the same, however written: 0.5, 1/2, 50%; 2√3, √12; 2^{10}, 1024; 3·4 = 12. What
  differs by rounding is different: 0.3333 is not 1/3, 3.14 is not π. A reference that says ≈ 0.33
  takes what rounds to it. Metadata {"tolerance": {"relative": 0.01}} (or "absolute") and
  {"decimals": 2} loosen numbers, as SciBench and TheoremQA need it.
- Units convert exactly: 500 cm is 5 m, 90° is π/2. A unit that one side leaves out is passed, as
  the number is what is asked: 5 for 5 m, 18 eggs for 18. Another dimension or scale is wrong. Two
  nouns are not compared. \$1.2 million is \$1,200,000, ¥3万 is 30000元. % is a hundredth: 18% is
  not 18, but 50 will do for a reference of 50%, and 5 apples or 5 basis points will not.
- A name may be left out: 5 for x = 5. Where both name, the names must agree, but for the argument
  of a function, and y for f(x). y = 2x + 3 is x = (y - 3)/2. x_1 = 3, x_2 = 5 is x = 3 or x = 5.
- Tuples have an order, sets and lists none; repeated elements count in lists and not in sets. A
  list "1, 2" is not the point (1, 2), and neither is [1, 2]. {∅} is not ∅. A vector may be a row, a
  column, a tuple or a sum of unit vectors; [[1,2],[3,4]] is a matrix.
- A relation answers where it is solved: x > 3 is (3, ∞), but 2x > 6 and 3x = 15 put the question
  again. Curves may be rearranged: y = 2x + 1 is 2x - y + 1 = 0. A chain x = 2 + 3 = 5 is 5 if its
  sides agree, else it is wrong. Integrals, limits and sums with their sign are not read.
- Variables are real: √(x²) is |x| and not x; ln x² is not 2 ln x. A hole that leaves no trace is
  none: (x²-1)/(x-1) is x+1. log without a base equals only log. ± stands for both values. A missing
  + C is missing; arbitrary constants and whole-number parameters may have other names.
- Functions in pieces are the same where they are defined on the same set and agree there.
- Numbered parts, (1) 4; (2) 9, are compared part by part; without numbers their order decides.
- A number in a named base is that number: FF_16 is 255_10. An answer without a base is one of the
  reference's digits (1011 for 1011_2, and not 11); a reference without one is decimal, and only
  decimal digits answer it.
- "5 or 6" is two answers and so not 5. Junk beside the answer makes it no answer.
- Words are compared without case, article and punctuation. The same: no solution, none, DNE, ∅,
  无解; infinitely many, 无数个, ∞; yes, true, 是; no, false, 否. July 4, 1776 is 4 July 1776,
  1776-07-04 and 1776年7月4日; 7/4/1776 is no date, as it may be in April. ①③ is ③、①. Chemical
  formulas are compared letter by letter: CO is not Co.

A text with two readings is neither: 1/ab, \sin{x}^2, 2pir. Products and quotients go from left to
right (1/2x is x/2), an exponent belongs to the last letter (xy^2), and \sin xy is \sin(xy).
Decimal commas are read where the commas cannot part thousands: 1,5 is 1.5 where the reference says
1.5; a reference of 2,3 is two numbers, 0,5 and 3,05 are one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stages.verifiers.maths.errors import NotExact, TooLarge, Undecided, Undefined, Unread
from stages.verifiers.maths.judges.compare import same_answer
from stages.verifiers.maths.judges.rules import EXACT, Rules, Tolerance, judging_by, tolerance_of
from stages.verifiers.maths.judges.values import value_of
from stages.verifiers.maths.nodes import Node, number
from stages.verifiers.maths.reader.chemistry import same_chemical
from stages.verifiers.maths.reader.read import LONGEST
from stages.verifiers.maths.reader.read import read as read_tree
from stages.verifiers.maths.reader.spelling import tidy
from stages.verifiers.maths.reader.words import canonical
from stages.verifiers.maths.strict import why_unearned
from stages.verifiers.verdict import ANSWER, RIGHT, WRONG, Unreadable, Verdict

READS = ANSWER

TOO_LONG = Verdict(0.0, "answer too long")
TOO_LARGE = Verdict(0.0, "a number beyond any answer")
UNDEFINED = Verdict(0.0, "division by zero")
NOT_MATHS = Verdict(0.0, "not one mathematical answer")

_INTEGER = re.compile(r"-?(?:[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,17})|0")  # 12, -1,234
_DRESSED_INTEGER = re.compile(  # \$54, x = 30, 540.00, \text{175}
    r"(?:[a-df-hj-z] ?= ?)?(?:\\?\$ ?)?(\d{1,18})(?:\.0{1,9})?|\\text\{ ?(\d{1,18}) ?\}"
)
_LOOSE_SPACE = re.compile(r"(?<!\d)\s+|\s+(?!\d)")  # "5 7" is not 57
_NO_LIST = re.compile(r"-?(?:0,\d+|\d+,0\d+)")  # 2,3 may be the numbers 2 and 3
_DECIMAL_COMMA = re.compile(  # 1,22 and 12,5 %
    r"(-?(?:\d+,(?!\d{3}(?!\d))\d+|0,\d+|\d{4,},\d+))(?![\d,])[^\d,;]*"
)


@dataclass(frozen=True)
class Target:
    """A reference: as text, as a tree, and as an integer if it is one."""

    text: str
    squeezed: str
    tree: Node
    tolerance: Tolerance = EXACT
    integer: str = ""


def quick(text: str, reference: str, metadata: Mapping[str, Any]) -> Verdict | None:
    """By exact arithmetic, in microseconds; None where a worker has to say."""
    target = read(reference, metadata)
    if target.integer:
        if plain := _INTEGER.fullmatch(text):
            return RIGHT if plain[0].replace(",", "") == target.integer else WRONG
        if dressed := _DRESSED_INTEGER.fullmatch(text):
            return RIGHT if int(dressed[1] or dressed[2]) == int(target.integer) else WRONG
    if len(text) > LONGEST:
        return TOO_LONG
    squeezed = _squeeze(text)
    if squeezed and squeezed == target.squeezed:
        return RIGHT
    try:
        return _judge(text, target, digits=False)
    except Undecided:
        return None


def read(reference: str, metadata: Mapping[str, Any]) -> Target:
    """The reference as a tree; Unreadable where it is neither mathematics nor words."""
    loose = "tolerance" in metadata or "decimals" in metadata
    try:
        return _target(reference, tolerance_of(metadata) if loose else EXACT)
    except (TypeError, ValueError) as problem:
        raise Unreadable(str(problem)) from None


def judge(text: str, target: Target) -> Verdict:
    """Right when the answer is the reference; at as many digits as it takes."""
    return _judge(text, target, digits=True)


@lru_cache(maxsize=16384)
def _target(reference: str, tolerance: Tolerance) -> Target:
    if not any(letter.isalnum() or letter in "∅∞" for letter in reference):
        raise Unreadable("empty")
    plain = _INTEGER.fullmatch(reference.strip())
    integer = plain[0].replace(",", "") if plain and tolerance == EXACT else ""
    if integer:
        return Target(reference, integer, number(int(integer)), tolerance, integer)
    try:
        tree = read_tree(reference)
    except Unread as problem:
        raise Unreadable(f"neither a mathematical answer nor words: {problem}") from None
    return Target(reference, _squeeze(reference), tree, tolerance)


def _squeeze(text: str) -> str:
    """Text without layout and white space: equal means surely the same."""
    tidied = tidy(text)
    return _LOOSE_SPACE.sub("", tidied) if " " in tidied else tidied


def _judge(text: str, target: Target, digits: bool) -> Verdict:
    if len(text) > LONGEST:
        return TOO_LONG
    with judging_by(Rules(target.tolerance, digits)):
        if target.tree.kind == "words" and _same_words(text, target.tree.value):
            return RIGHT
        try:
            tree = read_tree(text)
        except TooLarge:
            return TOO_LARGE
        except Unread:
            return _other_commas(text, None, target) or NOT_MATHS
        try:
            if _same(target.tree, tree) or _same_formula(target, tree):
                return RIGHT
            return _fault(tree) or _other_commas(text, tree, target) or WRONG
        except Undecided:
            if fault := _fault(tree):
                return fault
            raise
        except RecursionError:
            return NOT_MATHS


def _same(reference: Node, answer: Node) -> bool:
    try:
        return same_answer(reference, answer)
    except (Unread, Undefined, NotExact, ArithmeticError):
        return False


def _fault(tree: Node) -> Verdict | None:
    """A scalar without a value, or with one beyond any answer."""
    try:
        value_of(tree)
    except TooLarge:
        return TOO_LARGE
    except Undefined:
        return UNDEFINED
    except NotExact:
        pass
    return None


def _same_words(text: str, words: str) -> bool:
    return canonical(text) == words or same_chemical(words, text)


def _same_formula(target: Target, tree: Node) -> bool:
    """A chemical formula for one that the reference writes as a product: H_2SO_4."""
    chemical = tree.kind == "words" and str(tree.value).startswith("chemical ")
    return chemical and same_chemical(tree.value, target.text)


def _other_commas(text: str, tree: Node | None, target: Target) -> Verdict | None:
    """1,22 for 1.22, and 12,102 for 12 and 102, where the reference is of that kind."""
    if "," not in text + target.text and "，" not in text:
        return None
    readings: list[tuple[Node | None, Node | None]] = []
    listed = target.tree.kind in ("list", "set", "tuple")
    if listed and (tree is None or tree.kind == "number"):
        readings.append((target.tree, _or_none(text, grouping=False)))
    if not listed:
        readings.append((target.tree, _decimal(tidy(text))))
    plain = tidy(target.text)
    if tree is not None and _NO_LIST.fullmatch(plain):
        readings.append((_decimal(plain), tree))
    if any(one and other and _same(one, other) for one, other in readings):
        return RIGHT
    return None


def _decimal(plain: str) -> Node | None:
    """1,22 as 1.22, where the commas cannot part thousands."""
    return _or_none(plain.replace(",", ".")) if _DECIMAL_COMMA.fullmatch(plain) else None


def _or_none(text: str, grouping: bool = True) -> Node | None:
    try:
        return read_tree(text, grouping)
    except Unread:
        return None


def unearned(
    text: str, reference: str, metadata: Mapping[str, Any], question: str
) -> Verdict | None:
    """Why a right answer was not worked for: `strict` has the rules; None where it was."""
    if _INTEGER.fullmatch(text):
        return None
    try:
        answer = read_tree(text)
    except Unread:
        return None
    return why_unearned(answer, read(reference, metadata).tree, question)
