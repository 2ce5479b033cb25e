"""What the prompts of a stage can have set wrong: a blank that is not there, a file that is not."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.kinds import Problem
from stages.chat import prompt_texts
from stages.chat.text_template import BLANK
from stages.configs import Prompt


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
