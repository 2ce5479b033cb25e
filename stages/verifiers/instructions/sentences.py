"""Words, sentences and paragraphs of a text, in English and Chinese.

Word       one Han character or kana (a Chinese length is asked in 字, so the character is the
           unit), or a run of other letters and digits as IFEval counts them: "don't" is two
Sentence   ends at 。！？ and their kin wherever they stand, and at . ! ? … (with closing quotes)
           before white space, the end, or (… apart) a Han character. No end: the point of an
           abbreviation or an initial, of the number of a list's item ("1."), or before a small
           letter where the sentence began with none. What is left at the end is a sentence too. A
           line break ends none, and marks without a word are none
Paragraph  what stands between blank lines
"""

from __future__ import annotations

import re

from stages.verifiers.han import HAN
from stages.verifiers.marks import cut_marks

#: Scripts written without spaces between words, where a word has no visible edge.
UNSPACED = HAN + "\u3040-\u30ff\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f"

_CJK = HAN + "\u3040-\u30ff"
#: A letter or digit of a script that puts spaces between words.
SPACED = rf"[^\W_{UNSPACED}]"
_RUN = rf"(?:(?![{_CJK}])\w)+"
_WORD = re.compile(rf"[{_CJK}]|{_RUN}")
_WHOLE_WORD = re.compile(rf"[{_CJK}]|{_RUN}(?:['’-]{_RUN})*")
_HAN_LETTER = re.compile(f"[{_CJK}]")
_ANY_WORD = re.compile(r"\w")
_END = re.compile(r"[.!?…。！？｡؟۔।]+[\"'”’)\]）」』》*_]*")
_ALWAYS = frozenset("。！？｡؟۔।")
_CLEAR = frozenset("!?")
_LOOK_AROUND = 24  # longer than any abbreviation
_BRACKETS = "\"'“‘([*_#>"
_LEAD = _BRACKETS + " \t\n\r-/0123456789"
#: Those after which a sentence goes on, even with a capital letter.
_ABBREVIATIONS = {
    "mr", "mrs", "ms", "dr", "prof", "rev", "hon", "gen", "col", "maj", "capt", "lt", "sgt", "sen",
    "rep", "gov", "st", "mt", "ft", "messrs", "vs", "e.g", "i.e", "viz", "cf", "nos", "vol", "pp",
    "fig", "eq", "approx", "est", "dept", "univ", "jan", "feb", "mar", "apr", "jun", "jul", "aug",
    "sep", "sept", "oct", "nov", "dec", "u.s", "u.k", "u.n", "u.s.a", "d.c", "p.s", "p.p.s",
}  # fmt: skip
_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")
_INVISIBLE = dict.fromkeys((0x00AD, 0x200B, 0x2060, 0xFEFF))


def as_seen(text: str) -> str:
    """The text without characters that nobody sees, which could hide a word from its check.

    White space around it goes too, but for the indentation of the first line.
    """
    return _BLANK_LINES.sub("", cut_marks(text.translate(_INVISIBLE)).rstrip())


def count_words(text: str) -> int:
    return len(plain_words(text))


def plain_words(text: str) -> list[str]:
    return _WORD.findall(text)


def words(text: str) -> list[str]:
    """Words as a reader counts them: "don't" and "well-known" are one; a Han character is one."""
    return _WHOLE_WORD.findall(text)


def count_sentences(text: str) -> int:
    return len(sentences(text))


def sentences(text: str) -> list[str]:
    return [piece for piece in pieces(text) if _ANY_WORD.search(piece)]


def pieces(text: str) -> list[str]:
    """The sentences, and between them what has no word, such as an emoji behind a full stop."""
    found, start = [], 0
    for mark in _END.finditer(text):
        if _ends_a_sentence(text, start, mark):
            found.append(text[start : mark.end()].strip())
            start = mark.end()
    return [piece for piece in (*found, text[start:].strip()) if piece]


def paragraphs(text: str) -> list[str]:
    """The blocks between blank lines, each without outer white space."""
    found: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.strip():
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return ["\n".join(block).strip() for block in found if block]


def _ends_a_sentence(text: str, start: int, mark: re.Match[str]) -> bool:
    signs, end = mark.group(), mark.end()
    if not _ALWAYS.isdisjoint(signs):
        return True
    after = text[end : end + 1]
    if after and not after.isspace() and not (_HAN_LETTER.match(after) and signs[0] in ".!?"):
        return False
    if not _CLEAR.isdisjoint(signs):
        return True
    if _starts_small(text, end) and not _starts_small(text, start):
        return False
    return not _is_abbreviated(text[max(start, mark.start() - _LOOK_AROUND) : mark.start()], signs)


def _starts_small(text: str, start: int) -> bool:
    return text[start : start + _LOOK_AROUND].lstrip(_LEAD)[:1].islower()


def _is_abbreviated(before: str, signs: str) -> bool:
    """A point that belongs to the word in front of it: "Dr.", "J.", or "1." that opens a line."""
    if signs[0] != "." or signs.startswith("..") or not before or before[-1].isspace():
        return False
    token = before.split()[-1]
    word = token.lstrip(_BRACKETS)
    if word.isdigit():
        lead = before[: -len(token)].rstrip(" \t*_#>-")
        return not lead or lead.endswith("\n")
    initial = len(word) == 1 and word.isupper() and word != "I"
    return initial or word.lower() in _ABBREVIATIONS
