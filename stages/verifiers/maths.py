r"""Mathematics: what can be settled exactly is settled here, the rest by `algebra` in a worker.

1. The reference and the answer are read into forms (`forms/`): exact values in the rationals,
   roots, π, i and names; with units; in tuples, sets, intervals, equations, matrices; or words.
2. Forms are compared exactly, in the caller's process and in microseconds: all steps are bounded.
3. What is not read here, or equal only as far as numbers can tell, goes to `algebra.equivalent`
   (sympy) in a worker process. An answer with prose in it is not sent there.

What counts as the same answer:

- Equal values are the same, however written: 0.5, 1/2, 50%; 2√3, √12; 2^{10}, 1024; 3·4 = 12; 9+9
  for 18. What differs by rounding is different: 0.3333 is not 1/3, 3.14 is not π. A reference that
  says ≈ 0.33 takes what rounds to it. Metadata {"tolerance": {"relative": 0.01}} (or "absolute")
  and {"decimals": 2} loosen numbers, as SciBench and TheoremQA need it.
- Units convert exactly: 500 cm is 5 m, 90° is π/2. A unit that one side leaves out is passed, as
  the number is what is asked: 5 for 5 m, 18 eggs for 18. Another dimension or scale is wrong. Two
  nouns are not compared. \$1.2 million is \$1,200,000, ¥3万 is 30000元. % is a hundredth: 18% is
  not 18, but 50 will do for a reference of 50%.
- A name may be left out: 5 for x = 5. Where both name, the names must agree, but for the argument
  of a function, and y for f(x). y = 2x + 3 is x = (y - 3)/2. x_1 = 3, x_2 = 5 is x = 3 or x = 5.
  Tuples have an order, sets and lists none; repeated elements count in lists and not in sets.
  {∅} is not ∅. 2i - 3j of unit vectors is (2, -3).
- Numbered parts, (1) 4; (2) 9, are compared part by part; without numbers their order decides.
- A number in a named base is that number: FF_16 is 255_10. An answer without a base is one of the
  reference's digits (1011 for 1011_2, and not 11); a reference without one is decimal, and only
  decimal digits answer it.
- "5 or 6" is two answers and so not 5. Junk beside the answer makes it no answer.
- Words are compared without case, article and punctuation. The same: no solution, none, DNE, ∅,
  无解; infinitely many, 无数个; yes, true, 是; no, false, 否. July 4, 1776 is 4 July 1776,
  1776-07-04 and 1776年7月4日; 7/4/1776 is no date, as it may be in April.

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
from importlib import import_module
from typing import Any

from stages.verifiers.forms.compare import same_form
from stages.verifiers.forms.gate import is_sound
from stages.verifiers.forms.model import Form, Group, Quantity, Words
from stages.verifiers.forms.polynomial import NotExact, TooLarge, Undefined
from stages.verifiers.forms.quantities import EXACT, Tolerance, tolerance_of
from stages.verifiers.forms.read import LONGEST
from stages.verifiers.forms.read import read as read_form
from stages.verifiers.forms.surface import clean
from stages.verifiers.forms.words import canonical
from stages.verifiers.verdict import ANSWER, RIGHT, WRONG, Unreadable, Verdict

READS = ANSWER

TOO_LONG = Verdict(0.0, "answer too long")
TOO_LARGE = Verdict(0.0, "a number beyond any answer")
UNDEFINED = Verdict(0.0, "division by zero")
NOT_MATHS = Verdict(0.0, "not one mathematical answer")

_INTEGER = re.compile(r"-?(?:[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,17})|0")
_LOOSE_SPACE = re.compile(r"(?<!\d)\s+|\s+(?!\d)")  # "5 7" is not 57
_NO_LIST = re.compile(r"-?(?:0,\d+|\d+,0\d+)")
_DECIMAL_COMMA = re.compile(r"-?(?:\d+,(?!\d{3}$)\d+|0,\d+|\d{4,},\d+)")


@dataclass(frozen=True)
class Target:
    """A reference: as text, in the form in which it could be read, and as an integer if it is."""

    text: str
    squeezed: str
    form: Form | None
    tolerance: Tolerance = EXACT
    integer: str = ""


def prepare(metadata: Mapping[str, Any]) -> None:
    """Import what the symbolic half needs before an answer's clock runs: a third of a second."""
    import_module("stages.verifiers.algebra")
    import_module("sympy")


def quick(text: str, reference: str, metadata: Mapping[str, Any]) -> Verdict | None:
    """The fast path; None where a worker has to say."""
    return _settle(text, _target(reference, _tolerance(metadata)))


def read(reference: str, metadata: Mapping[str, Any]) -> Target:
    """The reference in a form that is read here, or at least by `algebra`."""
    target = _target(reference, _tolerance(metadata))
    if target.form is None:
        from stages.verifiers import algebra

        if algebra.equivalent(reference, reference) is None:
            raise Unreadable("neither a mathematical answer nor words")
    return target


def judge(text: str, target: Target) -> Verdict:
    """Right when the answer is the reference."""
    verdict = _settle(text, target)
    if verdict is not None:
        return verdict
    from stages.verifiers import algebra

    return RIGHT if algebra.equivalent(target.text, text) else WRONG


def squeeze(text: str) -> str:
    """Text without layout and white space: equal means surely the same."""
    cleaned = clean(text)
    return _LOOSE_SPACE.sub("", cleaned) if " " in cleaned else cleaned


def _tolerance(metadata: Mapping[str, Any]) -> Tolerance:
    if "tolerance" not in metadata and "decimals" not in metadata:
        return EXACT
    try:
        return tolerance_of(metadata)
    except (TypeError, ValueError) as problem:
        raise Unreadable(str(problem)) from None


@lru_cache(maxsize=16384)
def _target(reference: str, tolerance: Tolerance) -> Target:
    if not any(letter.isalnum() or letter in "∅∞" for letter in reference):
        raise Unreadable("empty")
    if len(reference) > LONGEST:
        return Target(reference, reference, None, tolerance)
    try:
        form = read_form(reference)
    except NotExact:
        form = None
    plain = _INTEGER.fullmatch(reference.strip())
    exact = plain and tolerance == EXACT
    integer = plain[0].replace(",", "") if plain and exact else ""
    return Target(reference, squeeze(reference), form, tolerance, integer)


def _settle(text: str, target: Target) -> Verdict | None:
    if target.integer and (plain := _INTEGER.fullmatch(text)):
        same = plain[0].replace(",", "") == target.integer
        return RIGHT if same else WRONG
    if target.form is None and text.strip() == target.text.strip():
        return None  # only a worker knows whether such a reference can be read
    if len(text) > LONGEST:
        return TOO_LONG
    squeezed = squeeze(text)
    if not squeezed:
        return NOT_MATHS
    if squeezed == target.squeezed:
        return RIGHT if target.form is not None else None
    try:
        form = read_form(text)
    except TooLarge:
        return TOO_LARGE if target.form is not None else None
    except Undefined:
        return UNDEFINED if target.form is not None else None
    except NotExact:
        form = None
    return _compare(text, form, target)


def _compare(text: str, form: Form | None, target: Target) -> Verdict | None:
    if isinstance(target.form, Words):
        return RIGHT if _same_words(text, form, target.form) else WRONG
    if form is None:
        return None if is_sound(text, target.form) else NOT_MATHS
    if target.form is None:
        return None if is_sound(text, None) else NOT_MATHS
    try:
        same = same_form(target.form, form, target.tolerance)
        if same is False and "," in text + target.text:
            same = _other_commas(text, form, target)
    except NotExact:
        same = None
    if same is None:
        return None
    return RIGHT if same else WRONG


def _same_words(text: str, form: Form | None, words: Words) -> bool:
    return canonical(text) == words.text or (form is not None and bool(same_form(words, form)))


def _other_commas(text: str, form: Form, target: Target) -> bool:
    """1,22 for 1.22, and 12,102 for 12 and 102, where the reference is of that kind."""
    if isinstance(target.form, Group) and not isinstance(form, Group):
        parted = read_form(text, grouping=False)
        if parted is not None and same_form(target.form, parted) is True:
            return True
    if isinstance(target.form, Quantity) and (decimal := _comma_decimal(text)):
        return same_form(target.form, decimal) is True
    sure = _NO_LIST.fullmatch(clean(target.text))  # 2,3 may be the numbers 2 and 3
    if isinstance(form, Quantity) and sure and (decimal := _comma_decimal(target.text)):
        return same_form(decimal, form) is True
    return False


def _comma_decimal(text: str) -> Form | None:
    """1,22 as 1.22, where the commas cannot part thousands."""
    plain = clean(text)
    return read_form(plain.replace(",", ".")) if _DECIMAL_COMMA.fullmatch(plain) else None
