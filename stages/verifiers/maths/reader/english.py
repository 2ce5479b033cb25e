"""English numerals: twelve, twenty-one, one hundred and five, minus four, two thirds."""

from __future__ import annotations

from fractions import Fraction

_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SMALL = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_SHARES = {"half": 2, "halves": 2, "quarter": 4} | {
    word: value
    for value, word in enumerate(
        ["third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"], start=3
    )
}
_LONGEST = 80


def read_numeral(text: str) -> int | Fraction | None:
    """The number that a text spells, or None."""
    if len(text) > _LONGEST or any(letter.isdigit() for letter in text):
        return None
    plain = text.strip("“” ").lower().replace("-", " ").replace("∧", " ")
    if (share := _share(plain.split())) is not None:
        return share
    whole, _, part = text.strip("“” ").lower().replace(" and ", "∧").rpartition("∧")
    share = _share(part.split()) if whole else None
    if share is not None and 0 < share < 1:  # two and a half
        above = read_numeral(whole)
        return above + share if isinstance(above, int) else None
    words = [word for word in plain.split() if word != "and"]
    negative = bool(words) and words[0] in ("minus", "negative")
    words = words[negative:]
    if not words:
        return None
    total = group = 0
    last = 10**12
    for word in words:
        if word in _SMALL:
            value = _SMALL[word]
            if value >= last or (last < 100 and (value >= 10 or last < 20)):
                return None
            group, last = group + value, max(value, 1)
        elif word == "hundred" and 0 < group < 10:
            group, last = group * 100, 100
        elif word in _LARGE and group:
            total, group, last = total + group * _LARGE[word], 0, 10**12
        else:
            return None
    return -(total + group) if negative else total + group


def _share(words: list[str]) -> Fraction | None:
    """half, one third, two fifths; twenty fifth is an ordinal."""
    below = _SHARES.get(words[-1], _SHARES.get(words[-1].removesuffix("s"))) if words else None
    if below is None or len(words) > 2:
        return None
    above = 1 if words[0] == "a" else _SMALL.get(words[0])
    if len(words) == 1:
        return Fraction(1, 2) if words[0] == "half" else None
    single = words[1] in _SHARES and words[1] != "halves"
    return Fraction(above, below) if above and single == (above == 1) else None
