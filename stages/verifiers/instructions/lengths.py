"""IFEval `length_constraints:*`. Words, sentences and paragraphs are those of sentences.py.

number_words, number_sentences   relation and a threshold
number_paragraphs                exactly that many, divided by `***`; an empty one between is wrong
nth_paragraph_first_word         exactly num_paragraphs between blank lines, of which the nth begins
                                 with first_word (letter case, and quotes before it, do not matter)
"""

from __future__ import annotations

from stages.verifiers.instructions.constraint import Constraint, Kind, compare
from stages.verifiers.instructions.keywords import begins
from stages.verifiers.instructions.sentences import count_sentences, count_words, paragraphs

_DIVIDER = "***"


def _number_words(text: str, constraint: Constraint) -> bool:
    return compare(count_words(text), constraint["relation"], constraint["num_words"])


def _number_sentences(text: str, constraint: Constraint) -> bool:
    return compare(count_sentences(text), constraint["relation"], constraint["num_sentences"])


def _number_paragraphs(text: str, constraint: Constraint) -> bool:
    return divided(text) == constraint["num_paragraphs"]


def divided(text: str) -> int:
    """How many paragraphs there are between `***`; none where one between is empty."""
    parts = [part.strip() for part in text.split(_DIVIDER)]
    return sum(map(bool, parts)) if all(parts[1:-1]) else 0


def _nth_paragraph_first_word(text: str, constraint: Constraint) -> bool:
    found, nth = paragraphs(text), constraint["nth_paragraph"]
    if len(found) != constraint["num_paragraphs"] or nth > len(found):
        return False
    return begins(found[nth - 1], constraint["first_word"])


KINDS = {
    "length_constraints:number_words": Kind(
        _number_words, {"relation": "at least or less than", "num_words": "number"}
    ),
    "length_constraints:number_sentences": Kind(
        _number_sentences, {"relation": "at least or less than", "num_sentences": "number"}
    ),
    "length_constraints:number_paragraphs": Kind(_number_paragraphs, {"num_paragraphs": "number"}),
    "length_constraints:nth_paragraph_first_word": Kind(
        _nth_paragraph_first_word,
        {"num_paragraphs": "number", "nth_paragraph": "number", "first_word": "text"},
    ),
}
