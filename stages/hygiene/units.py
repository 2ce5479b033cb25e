"""Texts as units, in arrays: a word, a number, or one character of an unspaced script.

All texts of a batch are one array of code points, so that splitting, hashing and forming n-grams
are a few passes of numpy. What is the same unit:

- width and compatibility forms (NFKC) and case do not count;
- apostrophes and commas between thousands are taken out: `Janet’s` is janets, `1,000` is 1000;
- punctuation, brackets and signs separate units;
- the name of a LaTeX command is no unit: `\\frac{1}{2}`, `\\dfrac12` and `1/2` read the same.

A hash has 64 bits. Whoever drops a row because of one compares the words too (`Units.words`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from stages.hygiene.alphabet import APART, DIGIT, LETTER, SINGLE, SYMBOL, alphabet

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

END = chr(0x10FFFF)  # stands between texts: a code point that is assigned to nothing
TAKEN_OUT = "'’ʼ`\u00ad\u200b\u200c\u200d\ufeff"  # apostrophes, and what is not seen
BACKSLASH, COMMA, POINT, NEWLINE = map(ord, "\\,.\n")
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2^64


@dataclass(frozen=True)
class Units:
    """hashes, numeric, starts, ends: of each unit, in the order of the texts.

    texts: before which unit each text begins, and the number of units at the end. lines: the same
    for the lines of all texts, with `line_text`, the text that a line is of.
    """

    hashes: Hashes
    numeric: npt.NDArray[np.bool_]
    starts: Places
    ends: Places
    texts: Places
    lines: Places
    line_text: Places
    characters: npt.NDArray[np.uint32]

    def text_of(self) -> Places:
        """The text that each unit is in."""
        return np.repeat(np.arange(len(self.texts) - 1), np.diff(self.texts))

    def words(self, first: int, count: int) -> str:
        """Units as words with spaces between them."""
        spans = zip(
            self.starts[first : first + count], self.ends[first : first + count], strict=True
        )
        return " ".join(_string(self.characters[start:end]) for start, end in spans)


def split(texts: Sequence[str], formulas: bool = False) -> Units:
    """The units of all texts; with `formulas`, signs and names of commands are units too."""
    raw = _code_points(texts)
    letters = alphabet()
    classes, folded = letters.classes[raw], letters.folded[raw]
    if not formulas:
        classes[classes == SYMBOL] = APART
    points = np.flatnonzero(raw == POINT)
    classes[points[_between_digits(raw, points)]] = DIGIT
    starts, ends = _spans(classes)
    if not formulas:
        command = (raw[starts - 1] == BACKSLASH) & (classes[starts] == LETTER)
        starts, ends = starts[~command], ends[~command]
    text_ends = np.flatnonzero(raw == ord(END))
    breaks = np.flatnonzero((raw == NEWLINE) | (raw == ord(END)))
    return Units(
        hashes=_hashes(folded, starts, ends),
        numeric=classes[starts] == DIGIT,
        starts=starts,
        ends=ends,
        texts=_edges(starts, text_ends),
        lines=_edges(starts, breaks),
        line_text=np.searchsorted(text_ends, breaks),
        characters=folded,
    )


def windows(units: Units, size: int, min_words: int) -> tuple[Hashes, Places]:
    """The hash and the first unit of every n-gram that lies in one text.

    One with fewer than `min_words` units that are no numbers says too little to be told apart: ten
    cells of a grid, or 1 to 10.
    """
    count = len(units.hashes) - size + 1
    if count <= 0:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    total = np.zeros(count, np.uint64)
    for place, factor in enumerate(_factors(size)):
        total += units.hashes[place : place + count] * factor
    text = units.text_of()
    numbers = np.concatenate([[0], np.cumsum(units.numeric)])
    words = size - (numbers[size:] - numbers[:-size])
    firsts = np.flatnonzero((text[:count] == text[size - 1 :]) & (words >= min_words))
    return total[firsts], firsts


def sums(hashes: Hashes, edges: Places) -> Hashes:
    """The sum of the hashes between each two edges: the same for texts of the same units."""
    running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(hashes, dtype=np.uint64)])
    between: Hashes = running[edges[1:]] - running[edges[:-1]]
    return between


def mixed(values: Hashes) -> Hashes:
    """Each value's bits spread over all 64 (the finaliser of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _code_points(texts: Sequence[str]) -> npt.NDArray[np.uint32]:
    plain = [t if t.isascii() else unicodedata.normalize("NFKC", t) for t in texts]
    joined = END.join([*plain, ""])
    if joined.count(END) != len(texts):
        joined = END.join([*(t.replace(END, " ") for t in plain), ""])
    for character in TAKEN_OUT:
        joined = joined.replace(character, "")
    raw = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    commas = np.flatnonzero(raw == COMMA)
    thousands = commas[_between_digits(raw, commas) & _three_digits_after(raw, commas)]
    return np.delete(raw, thousands) if len(thousands) else raw


def _is_digit(raw: npt.NDArray[np.uint32], places: Places) -> npt.NDArray[np.bool_]:
    inside = places < len(raw)
    digits: npt.NDArray[np.bool_] = alphabet().classes[raw[places * inside]] == DIGIT
    return digits & inside


def _between_digits(raw: npt.NDArray[np.uint32], places: Places) -> npt.NDArray[np.bool_]:
    return (places > 0) & _is_digit(raw, places - 1) & _is_digit(raw, places + 1)


def _three_digits_after(raw: npt.NDArray[np.uint32], places: Places) -> npt.NDArray[np.bool_]:
    digits = [_is_digit(raw, places + step) for step in (1, 2, 3, 4)]
    return digits[0] & digits[1] & digits[2] & ~digits[3]


def _spans(classes: npt.NDArray[np.uint8]) -> tuple[Places, Places]:
    """Where units start and end: runs of one class, or single characters."""
    changes = classes[1:] != classes[:-1]
    alone = (classes == SINGLE) | (classes == SYMBOL)
    inside = classes != APART
    edge = np.ones(1, np.bool_)
    starts = np.flatnonzero(inside & (alone | np.concatenate([edge, changes])))
    ends = np.flatnonzero(inside & (alone | np.concatenate([changes, edge]))) + 1
    return starts, ends


def _edges(starts: Places, text_ends: Places) -> Places:
    return np.concatenate([[0], np.searchsorted(starts, text_ends)])


def _hashes(characters: npt.NDArray[np.uint32], starts: Places, ends: Places) -> Hashes:
    """A polynomial of each unit's characters, wherever it stands."""
    powers, inverses = _powers(1 << max(16, len(characters).bit_length()))
    running = np.zeros(len(characters) + 1, np.uint64)
    np.cumsum(characters * powers[: len(characters)], out=running[1:])
    return mixed((running[ends] - running[starts]) * inverses[starts])


@cache
def _powers(count: int) -> tuple[Hashes, Hashes]:
    inverse = np.uint64(pow(int(_BASE), -1, 1 << 64))
    return _run_of(_BASE, count), _run_of(inverse, count)


def _run_of(base: np.uint64, count: int) -> Hashes:
    powers = np.full(count, base, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


@cache
def _factors(size: int) -> tuple[np.uint64, ...]:
    return tuple(mixed(np.arange(1, size + 1, dtype=np.uint64) * _BASE) | np.uint64(1))


def _string(characters: npt.NDArray[np.uint32]) -> str:
    return characters.tobytes().decode("utf-32-le", "surrogatepass")
