"""Answers in words: names, "east", "no solution", 无解, yes and no."""

from __future__ import annotations

import re

from stages.verifiers.maths.reader.chinese import IS_HAN
from stages.verifiers.maths.reader.english import read_numeral
from stages.verifiers.maths.reader.phrases import is_reals, known_phrase
from stages.verifiers.maths.reader.spelling import fold
from stages.verifiers.maths.units import read_unit
from stages.verifiers.maths.vocabulary import FUNCTIONS, PLAIN

_SAME = {
    "no solution": "none|dne|∅|does not exist|doesn't exist|empty set|the empty set|不存在|空集|"
    "no such number exists",
    "yes": "yes|true|是|对|正确|是的|成立",
    "no": "no|false|否|不是|错|错误|不对|不成立",
}
_CANONICAL = {word: name for name, words in _SAME.items() for word in words.split("|")}
_WORD = re.compile(r"[^\W\d_]+(?:[ '’-]+[^\W\d_]+)*\.?")  # north-east, New York
_ARTICLE = re.compile(  # the answer is a
    r"^(?:(?:the )?(?:final |correct )?(?:answer|solution|result)(?: is|:) )?"
    r"(?:(?:the|a|an|it is) )?"
)
_CHINESE_LEAD = re.compile(
    r"^(?:答案|结果)?[是为:]?(?:该|此|原)?(?:方程组|方程|不等式)?"
)  # 答案是, 原方程
_SHORT = frozenset(["odd", "red", "yes", "no", "dne", "may", "one", "two", "six", "ten", "set"])
_LONG = re.compile(r"[^\W\d_]{4}")  # four letters in a row
_NAME = re.compile("[A-Z]{3}")  # USA
_CIRCLED = re.compile(r"circled(?: \d+)+")  # ①③ as letters.py spells it
_NOT_WORDS = {*FUNCTIONS, *PLAIN}
_FUNCTION_NAMES = "|".join(sorted((*FUNCTIONS, "sqrt", "pi"), key=len, reverse=True))
_MATHS = re.compile(  # cos pi, sinx
    rf"[Ͱ-Ͽ]|(?<![A-Za-z])(?:{_FUNCTION_NAMES})(?![A-Za-z])"
    r"|^[a-z]?(?:(?:sin|cos|tan|ln)(?:theta|[xyzabn]))+$"
)
_LETTER = "alpha|beta|gamma|delta|epsilon|theta|lambda|sigma|omega|phi|rho|[a-z]"
_NAMES = re.compile(  # r omega, theta-a
    rf"(?:{_LETTER})(?: (?:{_LETTER}))+"  # r omega
    rf"|(?:{_LETTER}|[A-Za-z]{{2}})(?: ?- ?(?:{_LETTER}|[A-Za-z]{{2}}))+"  # theta-a
)


def canonical(text: str) -> str:
    """A word as it is compared: folded, without article, one name for what means the same."""
    folded = fold(text).replace("星期", "周").replace("礼拜", "周")
    plain = (
        _CANONICAL.get(folded) or _CHINESE_LEAD.sub("", _ARTICLE.sub("", folded, count=1)) or folded
    )
    return known_phrase(plain) or _CANONICAL.get(plain, plain.strip())


def read_words(text: str) -> str | None:
    """The words that a cleaned text is; fewer than four bare letters are algebra, as in ab."""
    quoted = text.startswith("“") and text.endswith("”") and text.count("“") == 1
    plain = text[1:-1].strip() if quoted else text
    plain = plain.strip("()*“” ") if quoted or plain.startswith("(“") else plain.strip("* ")
    lower = plain.lower()
    if _CIRCLED.fullmatch(plain):
        return plain
    if lower in _CANONICAL:
        return _CANONICAL[lower]
    if not _WORD.fullmatch(plain) or lower in _NOT_WORDS or is_reals(lower):
        return None
    if not quoted and (_MATHS.search(plain) or _NAMES.fullmatch(plain)):  # cos pi, r omega
        return None
    if not quoted and " - " in plain and not _LONG.search(plain):
        return None  # a - b
    chinese = IS_HAN.match(plain) is not None
    if (len(plain) < 2 and not chinese) or not (
        quoted or len(plain) > 3 or lower in _SHORT or chinese or _NAME.fullmatch(plain)
    ):
        return None
    if read_numeral(plain) is not None:
        return None
    if quoted and (unit := read_unit(plain)) is not None and not unit.noun:
        return None
    return canonical(plain)
