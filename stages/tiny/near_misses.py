"""Replies that nearly are what was asked for, as a policy that errs gives them.

A reward model that was shown only answers to other questions learns the look of an answer, and is
worse than chance among a policy's own: those say a word once too often, another word in capitals,
another capital of the same question, or half a word of each. All of it is made from the reference
and those of other tasks of the topic; no policy is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from stages.tiny import general
from stages.tiny.phrases import LANGUAGES
from stages.tiny.task import Task

PARTS = re.compile(r"[^ 。]+[ 。]?|[ 。]")
MOST_LETTERS = 6  # of what a slip puts in

Way = Callable[[str, str, Random], str]  # from a reference, and another of its topic, to a miss


def near_miss(task: Task, language: str, peers: Sequence[Task], rng: Random) -> str:
    """One that is not the reference; peers: tasks of the same topic."""
    reference = task.reference[language]
    while True:
        if rng.randrange(len(WAYS) + 1) == 0:
            miss = task.guess(rng, language)
        else:
            other = rng.choice(peers).reference[language]
            miss = rng.choice(WAYS)(reference, other, rng)
        if miss.strip() and miss != reference:
            return miss


def _other(reference: str, other: str, rng: Random) -> str:
    """The answer to another question."""
    return other


def _too_many(reference: str, other: str, rng: Random) -> str:
    last = reference.split()[-1]
    return " ".join([reference, *[last] * rng.randint(1, 2)])


def _too_few(reference: str, other: str, rng: Random) -> str:
    """Without the last words, or the last letter of a single one."""
    words = reference.split()
    return " ".join(words[: -rng.randint(1, 2)]) or reference[:-1]


def _other_part(reference: str, other: str, rng: Random) -> str:
    """One part is that of the other answer: its item, its ending, one of its words."""
    own, others = PARTS.findall(reference), PARTS.findall(other)
    place = rng.randrange(min(len(own), len(others)))
    return "".join([*own[:place], others[place], *own[place + 1 :]]).strip()


def _spliced(reference: str, other: str, rng: Random) -> str:
    """It begins as one and ends as the other."""
    return reference[: rng.randint(1, len(reference))] + other[rng.randrange(len(other)) :]


def _slip(reference: str, other: str, rng: Random) -> str:
    """Some letters of anything, in either language, in place of some of its own."""
    text = general.make(rng).reference[rng.choice(LANGUAGES)]
    start, end = sorted(rng.randint(0, len(reference)) for _ in range(2))
    taken = rng.randrange(len(text))
    slipped = text[taken : taken + rng.randint(1, MOST_LETTERS)]
    return reference[:start] + slipped + reference[end:]


WAYS: tuple[Way, ...] = (_other, _too_many, _too_few, _other_part, _other_part, _spliced, _slip)
