"""IFBench `words:*` and `sentence:*`: how the words of a text are made and follow each other.

Words are whole ones (sentences.py): "don't" and "well-known" are one, a Han character is one.

alphabet              each begins with the next letter; after z comes a
vowel                 one paragraph with at most three of a, e, i, o, u
consonants            each has two consonants side by side
prime_lengths         each has a prime number of letters and digits
palindrome            at least ten of five letters or more that read the same backwards
repeats               none more than small_n times
odd_even_syllables    in turn an odd and an even number of syllables, as syllapy counts them
start_verb            the first can be an English verb in any form (lemminflect's dictionary);
                      not as a label ("Title: …")
last_first            each sentence begins with the last word of the one before; two or more
paragraph_last_first  each line ends with its first word
increment             each sentence has small_n words more than the one before; two or more
alliteration_increment  the longest run of words with one first letter grows with each sentence
                      (upstream adds the runs up); two or more
sentence_words        three sentences of as many characters, no word twice
sentence_alphabet     26 sentences that begin with a, b, c, …

Upstream takes a single sentence for a rising row of them; it is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby, pairwise
from string import ascii_lowercase
from typing import Any

from stages.verifiers.instructions.constraint import Check, Constraint, Kind
from stages.verifiers.instructions.keywords import fold
from stages.verifiers.instructions.sentences import sentences, words

_CLUSTER = re.compile("[b-df-hj-np-tv-z]{2}")
_PRIMES = frozenset(n for n in range(2, 100) if all(n % d for d in range(2, n)))
_LABEL = re.compile(r"\W*(\w+)(?!\w)(?![\W_]*?:)")  # not "**Title:**"
_LONGEST_WORD = 40  # characters that a dictionary is asked for


def _each(holds: Callable[[str], bool]) -> Check:
    """Whether that is true of every word, and there is one."""

    def check(text: str, constraint: Constraint) -> bool:
        found = words(fold(text))
        return bool(found) and all(map(holds, found))

    return check


def _each_pair(rises: Callable[[str, str, Constraint], bool]) -> Check:
    """Whether that is true of every two sentences in a row, and there are two."""

    def check(text: str, constraint: Constraint) -> bool:
        found = sentences(fold(text))
        return len(found) > 1 and all(rises(a, b, constraint) for a, b in pairwise(found))

    return check


def _alphabet(text: str, constraint: Constraint) -> bool:
    first = [ascii_lowercase.find(word[0]) for word in words(fold(text))]
    return min(first, default=-1) >= 0 and all((b - a) % 26 == 1 for a, b in pairwise(first))


def _vowels(text: str, constraint: Constraint) -> bool:
    return "\n" not in text and bool(words(text)) and len(set("aeiou") & set(fold(text))) <= 3


def _prime(word: str) -> bool:
    return sum(map(str.isalnum, word)) in _PRIMES


def _palindromes(text: str, constraint: Constraint) -> bool:
    return sum(len(w) >= 5 and w == w[::-1] for w in words(fold(text))) >= 10


def _syllables(text: str, constraint: Constraint) -> bool:
    found = [w for w in words(fold(text).replace("’", "'")) if not w.isdigit()]
    if len(found) < 2 or not all(word.isascii() and len(word) <= _LONGEST_WORD for word in found):
        return False
    parity = [_dictionaries()[0](word.replace("'", "")) % 2 for word in found]
    return all(a != b for a, b in pairwise(parity))


def _start_verb(text: str, constraint: Constraint) -> bool:
    first = _LABEL.match(fold(text[: 9 * _LONGEST_WORD]))
    if first is None or len(first[1]) > _LONGEST_WORD:
        return False
    return not {"VERB", "AUX"}.isdisjoint(_dictionaries()[1](first[1]))


@cache
def _dictionaries() -> tuple[Callable[[str], int], Callable[[str], dict[str, Any]]]:
    """The syllables of a word; its base forms by part of speech. Half a second to load."""
    import lemminflect
    import syllapy

    return syllapy.count, lemminflect.getAllLemmas


def _edges(text: str) -> tuple[str, str]:
    found = words(text) or [""]
    return found[0], found[-1]


def _paragraph_edges(text: str, constraint: Constraint) -> bool:
    edges = [_edges(line) for line in fold(text).split("\n") if words(line)]
    return bool(edges) and all(first == last for first, last in edges)


def _longest_run(sentence: str) -> int:
    return max(sum(1 for _ in run) for _, run in groupby(words(sentence), lambda word: word[0]))


def _same_lengths(text: str, constraint: Constraint) -> bool:
    found, every = sentences(text), words(fold(text))
    return len(found) == 3 and len(set(map(len, found))) == 1 and len(set(every)) == len(every)


def _sentence_alphabet(text: str, constraint: Constraint) -> bool:
    return _initials(sentences(fold(text))) == ascii_lowercase


def _initials(found: Sequence[str]) -> str:
    return "".join(_edges(sentence)[0][:1] for sentence in found)


KINDS = {
    "words:alphabet": Kind(_alphabet),
    "words:vowel": Kind(_vowels),
    "words:consonants": Kind(_each(lambda word: _CLUSTER.search(word) is not None)),
    "words:prime_lengths": Kind(_each(_prime)),
    "words:palindrome": Kind(_palindromes),
    "words:odd_even_syllables": Kind(_syllables),
    "words:start_verb": Kind(_start_verb),
    "words:last_first": Kind(_each_pair(lambda a, b, given: _edges(a)[1] == _edges(b)[0])),
    "words:paragraph_last_first": Kind(_paragraph_edges),
    "sentence:increment": Kind(
        _each_pair(lambda a, b, given: len(words(b)) - len(words(a)) == given["small_n"]),
        {"small_n": "number"},
    ),
    "sentence:alliteration_increment": Kind(
        _each_pair(lambda a, b, given: _longest_run(a) < _longest_run(b))
    ),
    "ratio:sentence_words": Kind(_same_lengths),
    "custom:sentence_alphabet": Kind(_sentence_alphabet),
}
