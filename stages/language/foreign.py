"""Words in a script of the target that are of another language all the same.

- Latin letters, and a target with a word list (`lexicon.py`): word by word, in their context. A
  stretch is foreign where its words together speak for other languages by more than STRETCH. So
  found are one Spanish word in an English thought, a sentence in French with the words that it
  shares with English, and a row of words that no list has; a name, or a word that two languages
  share, goes with its neighbours.
- Other targets: a detector judges stretches of whole sentences (`detector.py`), and the target has
  the benefit of the doubt: only a stretch that is hardly in it is foreign.
- Han: a sentence with kana is Japanese, one without is Chinese.

A wall of unconnected words is no sentence of any language, and its words are not the target's. Of
forty words of English, honest ones have at least one in eight of the 200 most frequent words of the
language, and words drawn from a dictionary one in a hundred. Of eighty Han in honest texts at least
one in 17 is a particle, and so it is in half of the walls: only the other half is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, pairwise
from typing import NamedTuple

from stages.language import scripts
from stages.language.detector import BY_SCRIPT, language_of, probability_of
from stages.language.lexicon import LISTED, UNKNOWN, evidence

STRETCH = 2.0  # powers of ten by which a stretch must speak for other languages
AGAIN = 0.01  # what weak evidence adds that stood before: it goes with its neighbours
SENTENCES = 10  # words that the detector is given at least
SURE = 0.9  # the probability from which another language is believed
HARDLY = 0.01  # the target's below which it is some other, whichever
SHORT_HAN = 8  # so many Han characters without kana may still be Japanese
KANA_SHARE = 0.1  # of the Japanese signs and Han of a Japanese text


class Wall(NamedTuple):
    """Which words are everyday ones, and the least share of them in a window of words."""

    everyday: frozenset[str]
    window: int = 40
    least: float = 0.06


_PARTICLES = (  # the traditional ones apart
    "的了是在和就也都我你他她它这那有把被让给从与或但则又若再先等每个几多少么问求如所以不两因此且即"
    "已知当其各某這讓給從與則個幾麼問兩當"
)
_HAN_WALL = Wall(frozenset(_PARTICLES), window=80, least=0.05)
SHORTEST = 0.75  # of a window tells enough
_SENTENCE = re.compile(r"[.!?;。！？；…।\n]+")


def foreign_words(text: str, target: str, own: Sequence[str], words: Mapping[str, float]) -> float:
    """How many words of a prose text are in one of the target's `own` scripts, yet not its own."""
    if target == "zh":
        japanese = _han_of(text, japanese=True) if "kana" in words else 0.0
        return japanese + _in_walls(scripts.han(text), _HAN_WALL) / scripts.LETTERS_PER_WORD["han"]
    if target == "ja":
        return _han_of(text, japanese=False)
    if target in LISTED:
        return foreign_latin(scripts.latin(text).words, target, walls=True)
    shared = [script for script in own if script in BY_SCRIPT and script in words]
    return float(sum(_foreign_in(text, target, script) for script in shared))


def foreign_latin(
    words: Sequence[str], target: str, unknown: bool = True, walls: bool = False
) -> int:
    """How many of the words, in their order, are not of a target with a word list.

    unknown: do words that no list has count for another language? walls: count walls too.
    """
    known = evidence(target)
    scores = [known[word] for word in words]
    if not unknown:
        scores = [0.0 if 0 < score <= UNKNOWN else score for score in scores]
    if sum(score for score in scores if score > 0) > STRETCH:
        scores = _said_once(words, scores)
        words = list(compress(words, (not foreign for foreign in _stretches(scores))))
    found = len(scores) - len(words)
    return found + (_in_walls(words, Wall(known.everyday)) if walls else 0)


def speaks_for(words: Sequence[str], target: str) -> bool:
    """Do the words by themselves speak for a target with a word list?"""
    known = evidence(target)
    return sum(known[word] for word in words) < 0


def is_japanese(text: str) -> bool:
    """Are enough of the Japanese signs and Han of a text Japanese signs?"""
    kana = scripts.count_kana(text)
    return kana > 0 and kana >= KANA_SHARE * (kana + scripts.count_han(text))


def _said_once(words: Sequence[str], scores: Sequence[float]) -> list[float]:
    """Evidence that is weak by itself counts once: repeating a term makes it no other language."""
    said: set[str] = set()
    once = []
    for word, score in zip(words, scores, strict=True):
        once.append(AGAIN if 0 < score <= STRETCH and word in said else score)
        said.add(word)
    return once


def _stretches(scores: Sequence[float]) -> list[bool]:
    """The words in stretches whose scores, less STRETCH for each stretch, add up to the most."""
    own, foreign = 0.0, -STRETCH  # the best sums that end before, or in, a stretch
    entered, left = [], []
    for score in scores:
        entered.append(own - STRETCH > foreign)
        left.append(foreign > own)
        own, foreign = max(own, foreign), score + max(foreign, own - STRETCH)
    labels, inside = [], foreign > own
    for enters, leaves in zip(reversed(entered), reversed(left), strict=True):
        labels.append(inside)
        inside = not enters if inside else leaves
    return labels[::-1]


def _in_walls(words: Sequence[str], wall: Wall) -> int:
    """How many of the target's words stand in windows that hardly have an everyday word."""
    windows = max(1, len(words) // wall.window)
    if len(words) < SHORTEST * wall.window:
        return 0
    ends = [number * len(words) // windows for number in range(windows + 1)]
    return sum(
        end - start
        for start, end in pairwise(ends)
        if sum(map(wall.everyday.__contains__, words[start:end])) < wall.least * (end - start)
    )


def _foreign_in(text: str, target: str, script: str) -> int:
    stretches = _sentences(text, script)
    return sum(len(words) for words in stretches if _is_foreign(" ".join(words), target))


def _is_foreign(stretch: str, target: str) -> bool:
    language, probability = language_of(stretch)
    if language == target:
        return False
    return probability >= SURE or probability_of(target, stretch) < HARDLY


def _sentences(text: str, script: str) -> Iterator[list[str]]:
    """The words of whole sentences, at least SENTENCES together; a short rest joins the last."""
    last: list[str] = []
    stretch: list[str] = []
    for sentence in _SENTENCE.split(text):
        stretch += scripts.words_of(sentence, script)
        if len(stretch) >= SENTENCES:
            if last:
                yield last
            last, stretch = stretch, []
    if last:
        yield last + stretch


def _han_of(text: str, japanese: bool) -> float:
    """Words in Han of the sentences that are Japanese, or of those that are not."""
    whole = is_japanese(text)
    han = 0
    for sentence in _SENTENCE.split(text):
        count = scripts.count_han(sentence)
        undecided = count < SHORT_HAN and not scripts.count_kana(sentence)
        if (whole if undecided else is_japanese(sentence)) == japanese:
            han += count
    return han / scripts.LETTERS_PER_WORD["han"]
