"""IFEval `language:*`, `change_case:*`, `startend:*` and `punctuation:*`.

response_language       stages/language/consistency.py detects that language; what it cannot
                        name is in none, but for a few words of plain letters, which may be English
english_capital         no small letter, and English as above
english_lowercase       no capital letter, and English as above
capital_word_frequency  words in capitals ("I" and "A" are); a hyphen or an apostrophe joins words
end_checker             ends with that phrase (letter case, and quotes around the text, apart)
quotation               begins and ends with double quotation marks: "…", “…”, 「…」 or 『…』
no_comma                none of , ， ، (the 顿号 、 is another sign)
"""

from __future__ import annotations

import re

from stages.language import consistency
from stages.verifiers.instructions.constraint import Constraint, Kind, compare
from stages.verifiers.instructions.sentences import SPACED

TELLING = 10  # words that a detector needs to tell a language

_PLAIN_WORD = re.compile("[A-Za-z]+")
_COMMAS = re.compile("[,，﹐،]")
_QUOTES = '"“”「」『』'
_PAIRS = {'"': '"', "“": "”", "「": "」", "『": "』"}
_CAPITAL_WORD = re.compile(f"{SPACED}+(?:[-'’.&]{SPACED}+)*")


def is_language(text: str, code: str) -> bool:
    """Whether a text is in a language, by its code; "zh-cn" and "zh-tw" are "zh"."""
    found = consistency.detect(text)
    if found is None and code == "en":
        return text.isascii() and 0 < len(_PLAIN_WORD.findall(text)) < TELLING
    return found is not None and found == consistency.primary(code)


def _response_language(text: str, constraint: Constraint) -> bool:
    return is_language(text, constraint["language"])


def _english_capital(text: str, constraint: Constraint) -> bool:
    return text.isupper() and is_language(text.lower(), "en")


def _english_lowercase(text: str, constraint: Constraint) -> bool:
    return text.islower() and is_language(text, "en")


def _capital_word_frequency(text: str, constraint: Constraint) -> bool:
    count = sum(word.isupper() for word in _CAPITAL_WORD.findall(text))
    return compare(count, constraint["capital_relation"], constraint["capital_frequency"])


def _end_checker(text: str, constraint: Constraint) -> bool:
    phrase = constraint["end_phrase"].strip().lower()
    return text.lower().endswith(phrase) or text.strip(_QUOTES).lower().endswith(phrase)


def _quotation(text: str, constraint: Constraint) -> bool:
    return len(text) > 2 and text[-1] == _PAIRS.get(text[0]) and bool(text[1:-1].strip(_QUOTES))


def _no_comma(text: str, constraint: Constraint) -> bool:
    return _COMMAS.search(text) is None


KINDS = {
    "language:response_language": Kind(
        _response_language, {"language": "the code of a language that can be told"}
    ),
    "change_case:english_capital": Kind(_english_capital),
    "change_case:english_lowercase": Kind(_english_lowercase),
    "change_case:capital_word_frequency": Kind(
        _capital_word_frequency,
        {"capital_relation": "at least or less than", "capital_frequency": "number"},
    ),
    "startend:end_checker": Kind(_end_checker, {"end_phrase": "text"}),
    "startend:quotation": Kind(_quotation),
    "punctuation:no_comma": Kind(_no_comma),
}
