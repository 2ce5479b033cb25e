"""For which language a single word speaks: word frequencies of 26 languages in Latin letters.

The lists are wordfreq's, whose data lies in its wheel (57 MB, code Apache-2.0, data CC BY-SA 4.0).
They are a snapshot of 2021 that its author keeps installable and does not renew, which a reward
wants: what is paid today is paid tomorrow. Frequencies are on Zipf's scale: 3 is once in a million
words, 6 once in a thousand.

A word's evidence is how much more frequent it is in the likeliest other language than in the
target, in powers of ten; below 0 it speaks for the target. A word that the target knows well
(`die`, `sale`, `pour` in English) is hardly evidence by itself, whatever its frequency elsewhere,
nor is one with a capital, which may be a name. Chinese in Latin letters (pinyin, with or without
tones) is in no list: a word that the target does not know and that falls into its syllables speaks
for it.
Measured: of 757,000 English words of solutions, problems and traces in mathematics one in 2,000 is
foreign by itself, half of them rightly.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_NAMES = "ca cs da de en es fi fil fr hr hu id is it lt lv nl no pl pt ro sk sl sv tr vi"
#: Languages with a list and Latin letters → wordfreq's name for them.
_LISTS = {name: {"no": "nb", "hr": "sh"}.get(name, name) for name in _NAMES.split()}
_LARGE = "ca cs de en es fi fr it nl no pl pt sv"
#: Those whose list goes down to one word in a hundred million: enough to miss a word in it.
LISTED = frozenset(_LARGE.split())

FREQUENT = 3.5  # from here a word of another language is evidence
WELL_KNOWN = 3.3  # from here a word of the target is its own, though others may share it
COMMON = 4.0  # below, a word of the target is little evidence for it: lists hold foreign words too
RARE = 1.0  # what a word that is not in the target's list has at most
MOST, LITTLE, SHARED = 3.0, 1.0, 0.2  # the most that a word, a rarer one, one of both can say
NAME = 0.2  # of a word with a capital
PINYIN = 4.5  # the frequency that a word of its syllables is taken to have
UNKNOWN = 0.4  # of a word that no list has: six of them in a row are no sentence of the target
EVERYDAY = 200  # words of a language without which nobody makes a sentence
REMEMBERED = 300_000  # words
LONGEST = 24  # letters of a word that is looked at

_TERM_NAMES = """
    sine cosine tangent secant asin acos atan num len var ans arr dir idx def elif init lambda
    modulo iff lemma corollary radii vertices abscissa extrema parabola foci piecewise congruence
    radian radians loc deque denote denotes paise lire yuan rs
"""
#: Terms of mathematics and of programs that some language has as a word.
TERMS = frozenset(_TERM_NAMES.split())

_SYLLABLES = re.compile(
    r"(?:(?:zh|ch|sh|[bpmfdtnlgkhrzcsyw])"
    r"(?:ang?|eng?|ai|ao|ei|ou|ong|uang|uai|uan|un|uo|ui|ua|a|e|i|o|u|ing?|iang?|iao|ian|ie|iu)"
    r"|[jqxln](?:iang|iong|ian|iao|ing?|ie|iu|ia|i|uan|ue|un|u|ve|v)"
    r"|ai|ang?|ao|eng?|er|ou|a|e|o)+"
)


class Evidence(dict[str, float]):
    """Word, as it is written → how much it speaks for another language than the target."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._own = _frequencies(target, 0.0)
        self._others = [_frequencies(name, FREQUENT) for name in _LISTS if name != target]
        ranked = sorted(filter(_is_alphabetic, self._own), key=lambda word: -self._own[word])
        words = ranked[:EVERYDAY]
        self.everyday = frozenset((*words, *(word.capitalize() for word in words)))

    def __missing__(self, word: str) -> float:
        found = self._of(word)
        if len(self) < REMEMBERED:
            self[word] = found
        return found

    def _of(self, word: str) -> float:
        plain = word[:LONGEST].lower().replace("’", "'")
        if plain not in self._own and "'" in plain:
            plain = max(plain.split("'"), key=len)
        if plain in TERMS:
            return 0.0
        own = self._own.get(plain, 0.0)
        other = max(words.get(plain, 0.0) for words in self._others)
        pinyin = _may_be_pinyin(plain, own) and _is_pinyin(plain)
        if not own and not other and not pinyin:
            return UNKNOWN if word.islower() else NAME * UNKNOWN
        found = max(other, PINYIN if pinyin else 0.0) - max(own, RARE)
        if found <= 0:
            return max(found, -MOST if own >= COMMON else -LITTLE)
        found = min(found, SHARED if own >= WELL_KNOWN else MOST)
        return found if word.islower() else NAME * found


@cache
def evidence(target: str) -> Evidence:
    """The words of a language in LISTED; read once."""
    return Evidence(target)


@cache
def _frequencies(language: str, least: float) -> dict[str, float]:
    """Word → frequency, for the words that are frequent enough."""
    from wordfreq import get_frequency_list

    ranks = get_frequency_list(_LISTS[language], "best" if not least else "small")
    get_frequency_list.cache_clear()
    bins = enumerate(ranks[: round((9 - least) * 100) + 1])
    return {word: zipf for rank, words in bins for zipf in (9 - rank / 100,) for word in words}


def _is_alphabetic(word: str) -> bool:
    return len(word) > 1 and word.isalpha()


def _may_be_pinyin(word: str, own: float) -> bool:
    """Short, or a word that the target has not: `rationalize` is syllables, too."""
    return (len(word) <= 5 and own < PINYIN) or (len(word) <= 9 and own < 1.5)


def _is_pinyin(word: str) -> bool:
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return _SYLLABLES.fullmatch(bare) is not None
