r"""Exact numbers out of text, without sympy: the common forms of a short mathematical answer.

Read: 7 · -7 · +7 · 1,234 · 1 234 · 10{,}000 · 3.50 · .5 · 3/4 · \frac{3}{4} · \frac34 ·
\dfrac{-3}{4} · 1\frac{4}{5} · 1 4/5 · 50% · 50 percent · $18 · \$18.90 · ７ · −7 · 3，000 ·
十二 · 一百零五 · 三分之二 · 百分之五十 · 负三点五;
with or without $…$, \(…\) and a final full stop.

Everything is a Fraction: 0.333 is not 1/3 and 9007199254740993 is not 9007199254740992. Anything
else is not a number here and is left to math-verify.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

LONGEST = 400  # letters; nobody writes a longer number as a final answer

_NO_SPACE = re.compile(r"(?<!\\)\\[!,]|\\(?:left|right|displaystyle)(?![A-Za-z])")
_SPACE = re.compile(r"(?<!\\)\\[;: ]|~")
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
_DECIMAL = re.compile(rf"([+-]?)({_DIGITS}(?:\.\d*)?|\.\d+)")
_PLAIN_FRACTION = re.compile(r"([+-]?)(?:(\d+)\s+)?(\d+)\s*/\s*(\d+)")
_LATEX_FRACTION = re.compile(
    r"([+-]?)(\d+)?\s*\\[dtc]?frac\s*"
    r"(?:\{\s*([+-]?\d+)\s*\}|(?:\s*(\d)))\s*(?:\{\s*([+-]?\d+)\s*\}|(\d))"
)
_MATH = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"))
_RAISED, _LOWERED = re.compile("[⁰¹²³⁴-⁹]+"), re.compile("[₀-₉]+")
_PERCENT = re.compile(r"(?<=\d)\s*(?:percent|per cent|pct)$", re.IGNORECASE)
_CURRENCY = ("\\$", "$", "¥", "€", "£")

_CHINESE_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SMALL_UNITS = {"十": 10, "百": 100, "千": 1000}
_LARGE_UNITS = {"万": 10**4, "亿": 10**8}
_CHINESE = re.compile(r"(?:负)?(?:百分之)?[零〇一二两三四五六七八九十百千万亿点分之]+")


@dataclass(frozen=True)
class Number:
    """An exact value as written: 50% is value 50 with `percent`."""

    value: Fraction
    percent: bool = False

    def equals(self, other: Number) -> bool:
        """The same quantity, exactly.

        A percent sign may be missing on one side when the question asks "what percent": 50 is
        50%. Below 1 it may not, because there a bare number is a share: 0.5 is 50%, not 0.5%.
        """
        if self.percent == other.percent:
            return self.value == other.value
        share, bare = (self, other) if self.percent else (other, self)
        return share.value / 100 == bare.value or (share.value == bare.value >= 1)


def read_number(text: str) -> Number | None:
    """The number that the whole text is, or None."""
    if len(text) > LONGEST:
        return None
    plain = _PERCENT.sub("%", unwrap(text))
    percent = plain.endswith("%")
    if percent:
        plain = plain[:-1].rstrip().removesuffix("\\").rstrip()
    value = _western(plain) if plain.isascii() else None
    if value is not None:
        return Number(value, percent)
    return None if percent else _chinese(plain)


def unwrap(text: str) -> str:
    """Unicode forms, math delimiters, spacing commands and a final full stop taken away."""
    text = _RAISED.sub(lambda found: f"^{{{found[0]}}}", text)  # before NFKC makes 5² a 52
    text = _LOWERED.sub(lambda found: f"_{{{found[0]}}}", text)
    plain = unicodedata.normalize("NFKC", text).replace("−", "-").replace("{,}", ",")
    plain = _SPACE.sub(" ", _NO_SPACE.sub("", plain)).strip().rstrip(".。 ")
    for opening, closing in _MATH:
        inner = plain[len(opening) : -len(closing)]
        whole = plain.startswith(opening) and plain.endswith(closing) and opening not in inner
        if whole and inner:
            plain = inner.strip().rstrip(".。 ")
            break
    return plain


def _western(plain: str) -> Fraction | None:
    for sign in _CURRENCY:
        plain = plain.removeprefix(sign).strip()
    return _decimal(plain) if "/" not in plain and "\\" not in plain else _fraction(plain)


def _decimal(plain: str) -> Fraction | None:
    plain = re.sub(r"(?<=\d)(?:,\s+|\s+)(?=\d{3}(?!\d))", ",", plain)
    match = _DECIMAL.fullmatch(plain)
    if match is None:
        return None
    value = Fraction(match[2].replace(",", "").rstrip(".") or "0")
    return -value if match[1] == "-" else value


def _fraction(plain: str) -> Fraction | None:
    if match := _PLAIN_FRACTION.fullmatch(plain):
        sign, whole, top, bottom = match.groups()
    elif match := _LATEX_FRACTION.fullmatch(plain):
        sign, whole, *parts = match.groups()
        top, bottom = (parts[0] or parts[1]), (parts[2] or parts[3])
    else:
        return None
    if int(bottom) == 0 or (whole and int(top) < 0):
        return None
    value = int(whole or 0) + Fraction(int(top), int(bottom))
    return -value if sign == "-" else value


def _chinese(plain: str) -> Number | None:
    if not _CHINESE.fullmatch(plain):
        return None
    negative = plain.startswith("负")
    plain = plain.removeprefix("负")
    percent = plain.startswith("百分之")
    bottom, _, top = ("", "", plain.removeprefix("百分之")) if percent else plain.rpartition("分之")
    above, below = _chinese_decimal(top), _chinese_decimal(bottom) if bottom else Fraction(1)
    if above is None or not below:
        return None
    return Number((-1 if negative else 1) * above / below, percent)


def _chinese_decimal(text: str) -> Fraction | None:
    whole, point, digits = text.partition("点")
    integer = _chinese_integer(whole)
    if not point or integer is None:
        return None if integer is None else Fraction(integer)
    if not digits or any(d not in _CHINESE_DIGITS for d in digits):
        return None
    return integer + Fraction(
        int("".join(str(_CHINESE_DIGITS[d]) for d in digits)), 10 ** len(digits)
    )


def _chinese_integer(text: str) -> int | None:
    """一百零五 → 105; 二〇二四 → 2024; None where units are out of order."""
    if not text:
        return None
    if all(c in _CHINESE_DIGITS for c in text):
        return int("".join(str(_CHINESE_DIGITS[c]) for c in text))
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        if unit in text:
            high, _, low = text.rpartition(unit)
            above, below = _chinese_integer(high), _chinese_integer(low) if low else 0
            if above is None or below is None or below >= size:
                return None
            return above * size + below
    return _chinese_below_ten_thousand(text)


def _chinese_below_ten_thousand(text: str) -> int | None:
    total, digit, last_unit = 0, None, 10**4
    for character in text:
        if character in _CHINESE_DIGITS:
            if digit:
                return None
            digit = _CHINESE_DIGITS[character]
        elif character in _SMALL_UNITS and _SMALL_UNITS[character] < last_unit:
            last_unit = _SMALL_UNITS[character]
            total += (1 if digit is None else digit) * last_unit
            digit = None
        else:
            return None
    return total + (digit or 0)
