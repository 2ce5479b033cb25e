r"""A plain text as a model's chat template: how R1-Zero's base is asked (paper, table 1).

A base that was never taught to chat does not know the tokens that mark a turn. So the question
stands in a text instead (conf/prompt/r1_zero.yaml), and the model goes on where the text ends:

    …what a reply looks like, in a few sentences…
    User: {question}
    Assistant:

As the chat template of the tokenizer it reaches every stage, is published with the model that RL
trains, and whoever samples or serves that model asks it as it was trained. It is one question in
the paper. Of more messages: a system prompt stands before the text, a paragraph of its own; after
an answer and the model's end token, the next question comes in a copy of the lines from the blank's
on. Where the tokenizer begins texts with a token (Llama), so does the template.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from stages.chat.prompt_texts import OTHERS, texts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from stages.settings.prompts import Prompt

QUESTION = "question"
BLANK = f"{{{QUESTION}}}"

_TEMPLATE = (
    "{%- set said = namespace(turns=0) -%}START"
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'system' -%}{{- message['content'] ~ '\\n\\n' -}}"
    "{%- elif message['role'] == 'user' -%}"
    "{{- (AGAIN if said.turns else ONCE) ~ ASKS ~ message['content'] -}}"
    "{%- set said.turns = said.turns + 1 -%}"
    "{%- else -%}{{- ANSWERS ~ message['content'] ~ eos_token -}}"
    "{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- ANSWERS -}}{%- endif -%}"
)


def give_template(tokenizer: PreTrainedTokenizerBase, template: Prompt | None, key: str) -> None:
    """Make a plain text the tokenizer's chat template; null leaves it the one that it has."""
    if template is not None:
        begins = _begins(tokenizer)
        tokenizer.chat_template = chat_template(texts(template, key)[OTHERS], begins)


def chat_template(text: str, begins: bool = False) -> str:
    """The Jinja of a text with one {question}; begins: with the tokenizer's first token."""
    before, _, answers = text.partition(BLANK)
    once, line, asks = before.rpartition("\n")
    # A part becomes a string of Jinja's: its own braces are no code.
    parts = {"ONCE": once + line, "AGAIN": "\n", "ASKS": asks, "ANSWERS": answers}
    strings = {name: json.dumps(part, ensure_ascii=False) for name, part in parts.items()}
    strings["START"] = "{{- bos_token -}}" if begins else ""
    return re.sub("|".join(strings), lambda name: strings[name[0]], _TEMPLATE)


def _begins(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer puts its first token before a text by itself."""
    first = tokenizer("a").input_ids[:1]
    return tokenizer.bos_token_id is not None and first == [tokenizer.bos_token_id]
