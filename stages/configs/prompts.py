"""What models are asked in words."""

from __future__ import annotations

from dataclasses import dataclass, field

from stages.configs.common import outside_file, placement


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
