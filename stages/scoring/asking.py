r"""How an evaluation asks: a question inside the prompt for its kind of answer (paper, appendix J).

The kind is the verifier of the row: a box for `math`, a letter for `choice`, a program for `code`
(conf/prompt); rows of other verifiers are asked as they stand. So is a row that brings a way of its
own, which would only be said twice: several messages (examples, a system prompt), or a question
that says how its answer shall look or ends with "Answer:".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from stages.chat.prompt_texts import fill, texts
from stages.chat.template import Message
from stages.language.consistency import target_of
from stages.rows.schemas import Row
from stages.settings.prompts import Prompt

QUESTION = "question"

_OWN_WAY = re.compile(
    r"\\boxed|</?answer>|(?:\banswer|答案)\s{0,3}[:：]\s{0,3}[\"'“‘(\[<{*$]"
    r"|\b(?:last|final) line of your|(?:最后|末)一行|\bcode block|\bdelimiters?\b|代码块"
    r"|(?:\banswer|答案|回答)\s{0,3}[:：]\s*\Z",
    re.IGNORECASE,
)


def questions(
    rows: Sequence[Row], prompts: Mapping[str, Prompt] | None, key: str
) -> list[Sequence[Message]]:
    """What the model is asked of each row; key: where the prompts stand in the config."""
    by_verifier = {name: texts(prompt, f"{key}.{name}") for name, prompt in (prompts or {}).items()}
    return [_asked(row, by_verifier.get(row["verifier"])) for row in rows]


def _asked(row: Row, texts: Mapping[str, str] | None) -> Sequence[Message]:
    prompt: Sequence[Message] = row["prompt"]
    if texts is None or len(prompt) != 1 or _OWN_WAY.search(prompt[0]["content"]):
        return prompt
    text = fill(texts, target_of(row), {QUESTION: prompt[0]["content"]})
    return [{**prompt[0], "content": text}]
