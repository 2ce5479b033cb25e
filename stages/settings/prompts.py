"""What models are asked in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.kinds import Problem
from stages.chat import prompt_texts
from stages.chat.text_template import BLANK
from stages.settings.stage import outside_file, placement


@dataclass
class Prompt:
    """A text with blanks, such as {question} (conf/prompt, stages/chat/prompt_texts.py).

    text: by the language of the question; `en` where it has none. blanks: what must stand in it.
    file: a text file that takes the place of `text` in every language, for a wording of yours or of
    a paper. source: the table or listing of the paper that asks for the same.
    """

    text: dict[str, str] = field(default_factory=dict)
    blanks: list[str] = field(default_factory=list)
    file: str | None = outside_file(None)
    source: str = placement("")


def template(found: Prompt | None, system_prompt: str | None) -> Iterator[Problem]:
    """A plain text as chat template: one question stands in it, and it says all that is asked."""
    if found is None:
        return
    wrong = list(prompt_texts.problems(found, "template"))
    yield from wrong
    times = 0 if wrong else prompt_texts.texts(found, "template")[prompt_texts.OTHERS].count(BLANK)
    if not wrong and times != 1:
        yield Problem(
            "template.file" if found.file else "template.text.en",
            f"has {BLANK} {times} times, and one question stands in it: write it once",
        )
    if system_prompt:
        yield Problem(
            "system_prompt",
            "is set beside template, which says how a reply looks: set one of them to null",
        )
