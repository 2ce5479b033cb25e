r"""Decimals that are written in a way of their own, brought to plain ones or fractions.

0.1\overline{6} · 0.1(6) · 0.\dot{1}4\dot{2} · 0.1666… are fractions. 1.5e-3 is 0.0015, but
5 + 15e + 1/e holds the constant: a whole number, e and a sign are a power of ten only where no sum
or quotient goes on around them.
"""

from __future__ import annotations

import re

_REPEATING = re.compile(  # 0.1\overline{6}, 0.1(6), 0.\dot{6}
    r"(?<![\d.])(\d{0,30})\.(\d{0,30})(?:\\(?:overline|bar)\s*\{?(\d{1,30})\}?|\((\d{1,30})\)"
    r"|\\dot\s*\{?(\d)\}?(?:(\d{0,30})\\dot\s*\{?(\d)\}?)?)"
)
_ELLIPSIS = re.compile(r"(?<![\d.])(\d{0,9}\.)(\d{3,40}?) ?…")  # 0.333…
_POWER_OF_TEN = re.compile(  # 1.5e-3
    r"(?<![A-Za-z\d.,_\\])(\d{1,30}(?:\.\d{0,30})?)[eE]([+-]?)(\d{1,4})(?![\d.A-Za-z_])"
)
_BEFORE, _AFTER = re.compile(r"[^\s(=,]\s*[-+*/]\s*$"), re.compile(r"\s*[-+*/^!(\\]")


def plain_decimals(text: str) -> str:
    """The text with fractions for repeating decimals and (2*10^{-3}) for 2e-3."""
    if "." in text:
        text = _REPEATING.sub(_repeating, _ELLIPSIS.sub(_ellipsis, text))
    return _POWER_OF_TEN.sub(_power_of_ten, text) if "e" in text or "E" in text else text


def _repeating(found: re.Match[str]) -> str:
    first, middle, last = found[5] or "", found[6] or "", found[7] or ""
    repeated = found[3] or found[4] or first + middle + last
    plain = found[2]
    bottom = (10 ** len(repeated) - 1) * 10 ** len(plain)
    top = int((found[1] or "0") + plain + repeated) - int((found[1] or "0") + plain)
    return rf"{{\frac{{{top}}}{{{bottom}}}}}"


def _ellipsis(found: re.Match[str]) -> str:
    """0.1666… with its period in brackets, if what is written shows one: three times or more."""
    digits = found[2]
    for length in range(1, len(digits) // 2 + 1):
        period = digits[-length:]
        times = 0
        while digits.endswith(period * (times + 1)):
            times += 1
        if times >= 3 or (times >= 2 and length >= 3):
            return f"{found[1]}{digits[: len(digits) - times * length]}({period})"
    return found[0]


def _power_of_ten(found: re.Match[str]) -> str:
    text, number = found.string, found[1]
    if found[2] and "." not in number:
        if _BEFORE.search(text, max(0, found.start() - 9), found.start()):
            return found[0]
        if _AFTER.match(text, found.end(), found.end() + 9):
            return found[0]
    return f"({number}*10^{{{found[2]}{found[3]}}})"
