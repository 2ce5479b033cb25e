"""What a response says beyond its prompt and the words of its constraints.

A form is easily met without a thought: by the prompt itself, which holds the keywords and the
lines, by the constraint's words, by one word or sentence over and over. None of that is worth a
reward. What is looked at is the rest, without the prompt wherever it stands in full:

- a quarter of its phrases (four words in a row) neither stand in the prompt nor came before
- two words that the prompt has not, `PHRASE` beside a whole prompt; the constraints name neither
- a word of substance that the prompt has (not one about form), or else `TALK` others. That is not
  asked of a text in another language or script, which cannot share one

A kind that fixes the answer (constraint.py) leaves little to say, and is not looked at.

Measured: of the texts in benchmarks/hacks/instruction.py some one follows 536 of IFEval's 541 rows
and 127 of IFBench's 300; it is paid on 19 and on 2 (where "yes" is a permitted answer). Of 892
right responses of three models 36 are refused: ten of one word, three that loop, four whose words
are the prompt's (such as its text with emojis), and nineteen that are short and do not name their
subject ("Oreo, Panda, Zebra" as names for a dog). What no rule sees: sixteen words of anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from stages.verifiers.instructions.constraint import Constraint
from stages.verifiers.instructions.sentences import plain_words
from stages.verifiers.instructions.word_lists import FORM_WORDS, NAMES, STOP_WORDS
from stages.verifiers.verdict import COPIED, UNDONE, Verdict

PHRASE, NEW_PHRASES, TALK = 4, 0.25, 16
STEM = 5  # letters that "riddle" and "riddles" share
LONGEST = 100_000  # characters that are read

_NO_SUBJECT = STOP_WORDS | FORM_WORDS | {name.lower() for name in NAMES}


def shortfall(
    text: str, constraints: Sequence[Constraint], question: str, answered: bool
) -> Verdict | None:
    """Why the response says nothing; None where it says something.

    answered: the row has a reference, which may be a word or two; then only copying is looked for.
    """
    asked, all_said = plain_words(question.lower()), plain_words(text[:LONGEST].lower())
    beside = _without(all_said, asked)
    repeated = (str(c.get("prompt_to_repeat") or "") for c in constraints)
    said = reduce(_without, (plain_words(one.lower()) for one in repeated), beside)
    named = set().union(*map(_words, constraints))
    one_word = answered and not named <= set(asked)  # such as Paris, which no prompt names
    whole = len(beside) < len(all_said)
    if _is_copied(said, asked, PHRASE if whole else 2 - one_word):
        return COPIED if whole or not set(said).isdisjoint(asked) else UNDONE
    if answered or (_is_varied(said, named) and _is_about(said, asked, named, constraints)):
        return None
    return UNDONE


def _is_copied(said: Sequence[str], asked: Sequence[str], enough: int) -> bool:
    """Whether too few of the words, or of the phrases that are not repeated, are new."""
    size = min(PHRASE, len(said))
    phrases = set(_phrases(said, size))
    new = phrases.difference(_phrases(asked, size))
    return len(set(said).difference(asked)) < enough or len(new) < NEW_PHRASES * len(phrases)


def _is_varied(said: Sequence[str], named: set[str]) -> bool:
    phrases = _phrases(said, min(PHRASE, len(said)))
    return len(set(phrases)) >= NEW_PHRASES * len(phrases) and len(set(said) - named) > 1


def _without(said: Sequence[str], prompt: Sequence[str]) -> list[str]:
    gap = "  "  # each word has a blank of its own on either side
    return f" {gap.join(said)} ".replace(f" {gap.join(prompt)} ", "").split() if prompt else [*said]


def _phrases(words: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(size)), strict=False))


def _is_about(
    said: Sequence[str], asked: Sequence[str], named: set[str], constraints: Sequence[Constraint]
) -> bool:
    """Whether both have a word of substance, as far as that can be told; or there is much said."""
    formal = named | _NO_SUBJECT
    stems = {word[:STEM] for word in asked if _is_latin(word) and word not in formal}
    foreign = any(word.isalpha() and not word.isascii() for word in said)
    if not stems or foreign or any(c["type"].startswith("language:") for c in constraints):
        return True
    return len(set(said) - named - set(asked)) >= TALK or not stems.isdisjoint(
        word[:STEM] for word in said
    )


def _is_latin(word: str) -> bool:
    return word.isascii() and word.isalpha() and len(word) > 2


def _words(value: Any) -> set[str]:
    """The words of every text in a constraint, but for a prompt that it repeats."""
    return {word for text in _texts(value) for word in plain_words(text.lower())}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if name not in ("type", "prompt_to_repeat", "reference_text"):
                yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
