"""Chinese numerals: 十二 · 一百零五 · 二〇二四 · 三分之二 · 百分之五十 · 负三点五 · 1.5万 · 半.

A last unit is left out as in speech: 两千五 is 2500 and 两千零五 is 2005, 三万二 is 32000. Formal
numerals (壹仟贰佰) are read as the plain ones.
"""

from __future__ import annotations

import re
from fractions import Fraction

from stages.verifiers.han import HAN

IS_HAN = re.compile(f"[{HAN}]")
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = (("亿", 10**8), ("万", 10**4))
_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟萬億", "一二三四五六七八九十百千万亿")
_MIXED = re.compile(r"(\d{1,15})又(.+)")
_NUMERAL = re.compile(r"(?:负)?(?:百分之)?[零〇一二两三四五六七八九十百千万亿点分之又]+|一?半")
_SCALED = re.compile(r"(负?-?\d+(?:\.\d+)?)\s*(百万|万亿|百|千|万|亿)?")
_SIZES = {
    None: 1,
    "百万": 10**6,
    "百": 10**2,
    "千": 10**3,
    "万": 10**4,
    "亿": 10**8,
    "万亿": 10**12,
}


def read_chinese(text: str) -> tuple[Fraction, bool] | None:
    """The value of a whole text and whether it is a percentage, or None."""
    text = plain_numerals(text)
    if len(text) <= 60 and (mixed := _MIXED.fullmatch(text)):
        part = read_chinese(mixed[2])
        proper = part is not None and 0 < part[0] < 1 and not part[1]
        return (int(mixed[1]) + part[0], False) if part and proper else None
    if (scaled := _SCALED.fullmatch(text)) and "负-" not in text:
        return Fraction(scaled[1].replace("负", "-")) * _SIZES[scaled[2]], False
    if len(text) > 60 or not _NUMERAL.fullmatch(text):
        return None
    if text.endswith("半"):
        return Fraction(1, 2), False
    sign = -1 if text.startswith("负") else 1
    text = text.removeprefix("负")
    percent = text.startswith("百分之")
    whole, _, text = text.rpartition("又")
    bottom, _, top = ("", "", text.removeprefix("百分之")) if percent else text.rpartition("分之")
    above, below = _decimal(top), _decimal(bottom) if bottom else Fraction(1)
    added = _decimal(whole) if whole else Fraction(0)
    if above is None or not below or added is None:
        return None
    return sign * (added + above / below), percent


def plain_numerals(text: str) -> str:
    """Formal numerals and 廿, 卅 as the plain ones."""
    return text.translate(_FORMAL).replace("廿", "二十").replace("卅", "三十")


def _decimal(text: str) -> Fraction | None:
    whole, point, digits = text.partition("点")
    integer = _integer(whole)
    if not point or integer is None:
        return None if integer is None else Fraction(integer)
    if not digits or any(d not in _DIGITS for d in digits):
        return None
    return integer + Fraction(int("".join(str(_DIGITS[d]) for d in digits)), 10 ** len(digits))


def _integer(text: str) -> int | None:
    """一百零五 → 105; 二〇二四 → 2024; None where units are out of order."""
    if not text:
        return None
    if all(c in _DIGITS for c in text):
        return int("".join(str(_DIGITS[c]) for c in text))
    for unit, size in _LARGE:
        if unit in text:
            high, _, low = text.rpartition(unit)
            above, below = _integer(high), _integer(low) if low else 0
            if above is not None and below is not None and len(low) == 1:
                below = below * size // 10  # 三万二
            if above is None or below is None or below >= size:
                return None
            return above * size + below
    return _below_ten_thousand(text)


def _below_ten_thousand(text: str) -> int | None:
    total, digit, last_unit = 0, None, 10**4
    for character in text:
        if character in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[character]
        elif character in _SMALL and _SMALL[character] < last_unit:
            last_unit = _SMALL[character]
            total += (1 if digit is None else digit) * last_unit
            digit = None
        else:
            return None
    shortened = last_unit >= 100 and text[-2:-1] in _SMALL  # 两千五
    return total + (digit or 0) * (last_unit // 10 if shortened and digit else 1)
