"""`keywords:*` and `letters:*`: what must, or must not, be in a text, whatever the letter case.

existence         keywords                        each is somewhere in it, inside a word too
frequency         keyword, relation, frequency    how often, inside words too
forbidden_words   forbidden_words                 none is in it as a word of its own; in a script
                                                  without spaces, none is in it at all
letter_frequency  letter, let_relation, let_frequency

Of IFBench, where no two words have one case too:

word_once, exclude_word_harder    keyword: exactly once, inside words too; never, as a word
word_count_different_numbers      keyword, relation, frequency. The prompt asks for exactly that
                                  many, upstream for the relation, which it hides: either will do
keywords_multiple, count_increment_word  keyword1 once, keyword2 twice; then 3, 5 and 7 times
*_specific_position, sentence:keyword    in the n-th sentence the m-th word; in the N-th anywhere
first_word_*, last_word_*         of the answer or of every sentence; punctuation apart
words_position                    keyword is the second word and the last but one
start_end                         begins and ends with one word, and nothing follows it
palindrome                        a word of three letters or more (upstream takes "I")
letter_counting                   relation, N: letters of any script

Fullwidth letters count as the letters that they look like.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stages.verifiers.instructions.constraint import Check, Constraint, Kind, compare
from stages.verifiers.instructions.sentences import SPACED, sentences, words

_HALF_WIDTH = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_SPACED = re.compile(SPACED)
TIMES = (1, 2, 3, 5, 7)


def fold(text: str) -> str:
    """Lower case and half width."""
    return text.translate(_HALF_WIDTH).lower()


def has_word(folded: str, word: str) -> bool:
    """Whether a folded text holds a word that is not a part of a longer one."""
    word = fold(word.strip())
    before = f"(?<!{SPACED})" if _SPACED.match(word[0]) else ""
    return re.search(before + _to_its_end(word), folded) is not None


def begins(text: str, word: str) -> bool:
    """Whether the first word is that one: "Sun: up" and "Sun’s" begin with sun, not "sun-lit"."""
    pattern = rf"[\W_]*{_to_its_end(fold(word.strip()))}(?!-{SPACED})"
    return re.match(pattern, fold(text)) is not None


def ends(text: str, word: str) -> bool:
    """Whether the last word is that one, punctuation apart."""
    return begins(text[::-1], word.strip()[::-1])


def count(text: str, keyword: str) -> int:
    return fold(text).count(fold(keyword.strip()))


def sentence(text: str, number: int) -> str:
    """The sentence of that number from 1, or nothing."""
    return next(iter(sentences(text)[number - 1 : number]), "")


def word_at(text: str, position: int) -> str:
    """The word at a position as of a list, folded, or nothing."""
    found = words(fold(text))
    return found[position] if -len(found) <= position < len(found) else ""


def _to_its_end(word: str) -> str:
    return re.escape(word) + (f"(?!{SPACED})" if _SPACED.match(word[-1]) else "")


def _existence(text: str, constraint: Constraint) -> bool:
    return all(count(text, keyword) for keyword in constraint["keywords"])


def _frequency(text: str, constraint: Constraint) -> bool:
    found = count(text, constraint["keyword"])
    return compare(found, constraint["relation"], constraint["frequency"])


def _frequency_or_exact(text: str, constraint: Constraint) -> bool:
    exact = count(text, constraint["keyword"]) == constraint["frequency"]
    return exact or _frequency(text, constraint)


def _forbidden_words(text: str, constraint: Constraint) -> bool:
    folded = fold(text)
    return not any(has_word(folded, word) for word in constraint["forbidden_words"])


def _letter_frequency(text: str, constraint: Constraint) -> bool:
    found = count(text, constraint["letter"])
    return compare(found, constraint["let_relation"], constraint["let_frequency"])


def _letters(text: str, constraint: Constraint) -> bool:
    return compare(sum(map(str.isalpha, text)), constraint["relation"], constraint["N"])


def _rising(keywords: int) -> Kind:
    """The first keyword once, the second twice, and so on."""
    names = [f"keyword{number + 1}" for number in range(keywords)]

    def check(text: str, constraint: Constraint) -> bool:
        pairs = zip(names, TIMES, strict=False)
        return all(count(text, constraint[name]) == times for name, times in pairs)

    return Kind(check, dict.fromkeys(names, "text"))


def _at_position(text: str, constraint: Constraint) -> bool:
    found = word_at(sentence(text, constraint["n"]), constraint["m"] - 1)
    return found == fold(constraint["keyword"].strip())


def _in_sentence(text: str, constraint: Constraint) -> bool:
    return has_word(fold(sentence(text, constraint["N"])), constraint["word"])


def _second_and_last_but_one(text: str, constraint: Constraint) -> bool:
    return word_at(text, 1) == word_at(text, -2) == fold(constraint["keyword"].strip())


def _start_end(text: str, constraint: Constraint) -> bool:
    found = words(fold(text))
    return len(found) > 1 and found[0] == found[-1] and fold(text).endswith(found[-1])


def _palindrome(text: str, constraint: Constraint) -> bool:
    runs = re.findall(r"[^\W\d_]{3,}", fold(text))
    return any(run == run[::-1] for run in runs)


def _edge(is_edge: Callable[[str, str], bool], parameter: str, every: bool) -> Kind:
    """The first or last word of the answer, or of every sentence."""

    def check(text: str, constraint: Constraint) -> bool:
        found = sentences(text) if every else [text]
        return bool(found) and all(is_edge(one, constraint[parameter]) for one in found)

    return Kind(check, {parameter: "text"})


def _neighbours(differ: Callable[[str, str], bool]) -> Check:
    """Whether the first letters of every two words in a row differ so."""

    def check(text: str, constraint: Constraint) -> bool:
        first = [word[0] for word in words(fold(text))]
        return bool(first) and all(map(differ, first, first[1:]))

    return check


_KEYWORD = {"keyword": "text"}
_FREQUENCY = {"keyword": "text", "relation": "at least or less than", "frequency": "number"}
_LETTER = {
    "letter": "one character",
    "let_relation": "at least or less than",
    "let_frequency": "number",
}
_POSITION = {"keyword": "text", "n": "number", "m": "number"}

KINDS = {
    "keywords:existence": Kind(_existence, {"keywords": "texts"}),
    "keywords:frequency": Kind(_frequency, _FREQUENCY),
    "keywords:forbidden_words": Kind(_forbidden_words, {"forbidden_words": "texts"}),
    "keywords:letter_frequency": Kind(_letter_frequency, _LETTER),
    "letters:letter_counting2": Kind(_letter_frequency, _LETTER),
    "letters:letter_counting": Kind(_letters, {"relation": "at least or less than", "N": "number"}),
    "keywords:word_once": Kind(lambda text, given: count(text, given["keyword"]) == 1, _KEYWORD),
    "keywords:word_count_different_numbers": Kind(_frequency_or_exact, _FREQUENCY),
    "keywords:exclude_word_harder": Kind(
        lambda text, given: not has_word(fold(text), given["keyword"]), _KEYWORD
    ),
    "count:keywords_multiple": _rising(5),
    "count:count_increment_word": _rising(2),
    "keywords:keyword_specific_position": Kind(_at_position, _POSITION),
    "words:keywords_specific_position": Kind(_at_position, _POSITION),
    "sentence:keyword": Kind(_in_sentence, {"word": "text", "N": "number"}),
    "words:words_position": Kind(_second_and_last_but_one, _KEYWORD),
    "keywords:start_end": Kind(_start_end),
    "keywords:palindrome": Kind(_palindrome),
    "keywords:no_adjacent_consecutive": Kind(_neighbours(lambda a, b: ord(b) - ord(a) != 1)),
    "words:no_consecutive": Kind(_neighbours(lambda a, b: a != b)),
    "first_word:first_word_answer": _edge(begins, "first_word", every=False),
    "first_word:first_word_sent": _edge(begins, "first_word", every=True),
    "last_word:last_word_answer": _edge(ends, "last_word", every=False),
    "last_word:last_word_sent": _edge(ends, "last_word", every=True),
}
