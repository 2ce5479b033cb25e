r"""Language consistency: words of the thought in the target language ÷ all its words.

The paper's measure (3.2.1, "proportion of target language words in the CoT"). What counts as
a word is in `prose.py` (no code, LaTeX, addresses, tags) and `scripts.py` (no names of variables,
symbols, numbers; Chinese words by a stated equivalent of segmentation). Then:

- Where one language has the script, the script decides: Chinese, English against Chinese, Korean,
  Thai, Greek, … are exact. Han is Chinese or Japanese by the kana of its sentence.
- Languages that share an alphabet are told apart by their words, or by a detector (`foreign.py`).
- Words in the guise of something else can cost, and never earn (`hidden.py`).
- A thought earns no more than its words: with fewer than one word to CHARACTERS characters it is
  mostly something else, and earns in proportion. Honest thoughts full of algebra have enough.

A name or a technical term in another script counts as a word of another language, as in the paper;
single letters, names in capitals (ABC, DNA) and symbols (sin, kg) do not count.

Limits. Of the languages that share the Latin letters, only those in `lexicon.LISTED` are judged
word by word; for the others, and for other shared scripts, words of a text shorter than ten are
taken for the target's. A term in the words of another language (`pesos`) costs as such. A wall of
unconnected words is not seen when everyday words are strewn into it, in Chinese half of the time.
Repetition is not this measure's business but of `padding.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from stages.language import hidden, scripts
from stages.language.detector import ALIKE, BY_SCRIPT, language_of
from stages.language.foreign import foreign_words, is_japanese, speaks_for
from stages.language.prose import Text, prose, split

LIKELY = 0.5  # the confidence from which the detector names a whole text's language

MIXED_BELOW = 0.95  # a thought mixes languages; a term or a name in another is no mixture
#: Characters to a word: a thought with fewer words is mostly no words. What stands in formulas and
#: code counts a quarter: of honest solutions full of algebra one in a hundred has more than 40.
CHARACTERS, IN_FORMULAS = 40, 0.25

_ONE_SCRIPT = {
    "zh": "han", "ko": "hangul", "el": "greek", "th": "thai", "lo": "lao", "km": "khmer",
    "my": "myanmar", "ka": "georgian", "hy": "armenian", "he": "hebrew", "am": "ethiopic",
    "bo": "tibetan", "ta": "tamil", "te": "telugu", "kn": "kannada", "ml": "malayalam",
    "gu": "gujarati", "pa": "gurmukhi", "or": "oriya", "si": "sinhala",
}  # fmt: skip

#: Language (ISO 639-1) → the scripts that its words may have.
SCRIPTS: dict[str, tuple[str, ...]] = {
    **{language: (script,) for language, script in _ONE_SCRIPT.items()},
    **{name: (script,) for script, names in BY_SCRIPT.items() for name in names},
    "sr": ("cyrillic", "latin"),
    "ja": ("han", "kana"),
}
TARGETS = tuple(sorted({*SCRIPTS, *ALIKE}))


def _length(text: Text) -> float:
    return len(text.prose.replace(" ", "")) + IN_FORMULAS * len(text.hidden)


class Words(NamedTuple):
    """Latin words, Han characters, and words of any other script."""

    latin: int
    han: int
    other: int


def consistency(reasoning: str, target: str) -> float | None:
    """The share of the words of a thought that are in the target language (ISO 639-1).

    A thought that is mostly no words earns less, in proportion. None where there is nothing to
    measure: no words, or an unknown language.
    """
    found = _measure(reasoning, target)
    return None if found is None else found.share * found.fullness


def mixes_languages(reasoning: str, target: str, least: float = MIXED_BELOW) -> bool | None:
    """Are less than `least` of a thought's words the target's? None where nothing is measured."""
    found = _measure(reasoning, target)
    return None if found is None else found.share < least


class _Measured(NamedTuple):
    """The target's share of the words, and how much of a thought is words (1: enough)."""

    share: float
    fullness: float


@lru_cache(maxsize=64)  # a sample is asked for its share and whether it mixes
def _measure(reasoning: str, target: str) -> _Measured | None:
    target = primary(target)
    own_scripts = SCRIPTS.get(target)
    if own_scripts is None:
        return None
    text = split(reasoning)
    words = scripts.count(text.prose)
    found = sum(words.values())
    total = found + hidden.cost(text, target, found)
    if total == 0:
        return None
    own = sum(words.get(script, 0) for script in own_scripts)
    if own:
        own -= foreign_words(text.prose, target, own_scripts, words)
    return _Measured(max(0.0, own) / total, min(1.0, CHARACTERS * found / _length(text)))


def count_words(text: str) -> Words:
    """Words of a text by script; code, LaTeX, symbols and names of variables left out."""
    text = prose(text)
    words = scripts.count(text)
    other = sum(words.values()) - words.get("latin", 0) - words.get("han", 0)
    return Words(int(words.get("latin", 0)), scripts.count_han(text), round(other))


def detect(text: str) -> str | None:
    """The main language of a text; None where it has no words or none is likely."""
    text = prose(text)
    words = scripts.count(text)
    japanese = words.get("kana", 0)
    if japanese and is_japanese(text):
        words["kana"] = japanese + words.pop("han", 0)
    if not words:
        return None
    script = max(words, key=lambda name: words[name])
    if script == "kana":
        return "ja"
    if script not in BY_SCRIPT:
        return next((name for name, own in _ONE_SCRIPT.items() if own == script), None)
    found = scripts.words_of(text, script)
    if script == "latin" and speaks_for(found, "en"):
        return "en"
    language, probability = language_of(" ".join(found))
    return language if probability >= LIKELY else None


def target_of(row: Mapping[str, Any]) -> str:
    """The language that a problem asks for: its `language`, or else that of its prompt.

    A prompt of too few Latin words to tell ("Simplify") is taken for English, one without words for
    none ("").
    """
    return primary(str(row.get("language") or "")) or _language_of_prompt(asked(row))


def asked(row: Mapping[str, Any]) -> str:
    """What the user says in a problem's prompt."""
    messages = row.get("prompt") or ()
    return "\n".join(str(m.get("content") or "") for m in messages if m.get("role") == "user")


def primary(code: str) -> str:
    """The language of a code such as `zh-Hant` or `en_US`, as this module names it."""
    name = re.split("[-_]", code.strip().lower(), maxsplit=1)[0]
    return ALIKE.get(name, name)


@lru_cache(maxsize=4096)  # a prompt is asked many times
def _language_of_prompt(text: str) -> str:
    return detect(text) or ("en" if count_words(text).latin else "")
