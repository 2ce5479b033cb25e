"""Questions that have an answer to compare with: mathematics, and multiple choice.

Both are refused where they do not fit (fit.py); of other people's, what says how to answer is taken
off (wrappers.py).
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from stages.chat.template import Message
from stages.rows.files import Raw, UnfitRow
from stages.rows.formats.fit import (
    CHOICE,
    MATHS,
    label_of,
    refuse_beside,
    refuse_no_mathematics,
    refuse_other_tasks,
)
from stages.rows.formats.options import (
    Options,
    in_text,
    letter_of,
    lettered,
    options_of,
    split_text,
)
from stages.rows.formats.wrappers import unwrapped

#: The prompt, the verifier, the reference and what belongs to the metadata.
Answered = tuple[list[Message], str, str | None, dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """row: as the file has it. given: in our own columns. read: the file's columns that are.

    foreign: it is somebody else's, and may say how it is to be answered.
    """

    row: Raw
    given: Raw
    prompt: list[Message]
    reference: str | None
    read: Set[str]
    foreign: bool

    def asked(self) -> str:
        """What the user's last message asks."""
        text = self.prompt[-1]["content"]
        return unwrapped(text) if self.foreign else text

    def said(self, text: str) -> list[Message]:
        """The prompt with another last message."""
        return [*self.prompt[:-1], {**self.prompt[-1], "content": text}]


def one_answer(question: Question) -> Answered:
    """A question of mathematics; one with options in its text is judged by their letters."""
    asked, reference = question.asked(), question.reference
    refuse_beside(question.row, question.prompt[-1]["content"], question.read - {"options"})
    refuse_other_tasks(question.row, MATHS)
    if (label := label_of(reference, asked)) is not None:
        return question.said(asked), CHOICE, label, {"options": len(in_text(asked))}
    refuse_no_mathematics(reference)
    return question.said(asked), MATHS, reference, {}


def multiple_choice(question: Question) -> Answered:
    """The same of a question with options: of a column, or of a prompt that is not our own."""
    refuse_beside(question.row, question.prompt[-1]["content"], question.read, options=True)
    refuse_other_tasks(question.row, CHOICE)
    given = question.given.get("options")
    if given in (None, "", [], {}):
        return _of_prompt(question)
    options = options_of(given)
    asked = question.asked()
    bare = split_text(asked, options)
    if bare is None:
        bare = asked
    if not bare:
        raise UnfitRow("there is no question before the options")
    answer = question.given.get("reference") if question.reference is not None else None
    letter = None if answer is None else letter_of(answer, options)
    texts = list(options.texts)
    return question.said(lettered(bare, texts)), CHOICE, letter, {"options": texts}


def _of_prompt(question: Question) -> Answered:
    """The letters that stand in the prompt are the options."""
    if not question.foreign:
        return question.prompt, CHOICE, question.reference, {}
    asked = question.asked()
    letters = in_text(asked)
    if not letters:
        raise UnfitRow(f"there are no options, in a column or in the prompt ({asked[-60:]!r})")
    options = Options(tuple(letters), tuple(letters))
    letter = None if question.reference is None else letter_of(question.reference, options)
    return question.said(asked), CHOICE, letter, {"options": len(letters)}
