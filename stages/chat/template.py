"""The recipe's chat template and how prompts and completions become text.

The template keeps everything an assistant wrote, thoughts included: DeepSeek's own template drops
the text before `</think>` when it renders an assistant turn again, which would train on nothing.
It never pre-fills `<think>`, so that the format reward has something to teach; the model writes the
tag itself, and vLLM's `--reasoning-parser deepseek_r1` separates thought and answer.

A base from elsewhere may bring a template that ends a prompt with `<think>`, as the released R1
models do. It is kept, and trained as it will be used: the prompt has the tag, the completion goes
on after it. The text of such a completion begins with the tag all the same (rollout/speech.py), so
that it is judged, rewarded and learnt as others are.

A published model keeps the template that it was trained with. In a conversation of several turns,
send what the model answered back whole, or without its thought as DeepSeek advises: the template
renders what it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stages.chat.encoding import TAG_TOKENS as TAG_TOKENS
from stages.chat.encoding import plain

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

USER, ASSISTANT, SYSTEM = "<|user|>", "<|assistant|>", "<|system|>"
END, PAD = "<|end|>", "<|pad|>"
THINK, END_THINK, ANSWER, END_ANSWER = TAG_TOKENS
SPECIAL_TOKENS = (PAD, END, USER, ASSISTANT, SYSTEM)

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'system' -%}<|system|>{{ message['content'] }}"
    "{%- elif message['role'] == 'user' -%}<|user|>{{ message['content'] }}"
    "{%- else -%}<|assistant|>{{ message['content'] }}<|end|>"
    "{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)

Message = dict[str, str]


def render_prompt(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], system: str | None = None
) -> str:
    """The text that a model continues: the messages, and the opening of the assistant's turn.

    It is for `encoding.token_ids`: special tokens that a message spells out are marked.
    """
    turns = [{"role": "system", "content": system}] if system else []
    said = [{**turn, "content": plain(tokenizer, turn["content"])} for turn in (*turns, *messages)]
    text = tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
    return str(text)


def opens_thought(prompt: str) -> bool:
    """Whether a prompt ends with an open `<think>`."""
    return prompt.rstrip().endswith(THINK)


def after_prompt(prompt: str, completion: str) -> str:
    """What is left to say of a completion after a prompt that may have opened the thought."""
    if opens_thought(prompt):
        return completion.removeprefix(THINK).lstrip("\n")
    return completion


def compose(thought: str, summary: str) -> str:
    """A thought, then what the user reads: the form of rows to learn from (v1, 2.3.1; listing 1).

    A verifier that wants a final answer finds it in the summary, in a box.
    """
    return f"{THINK}{thought}{END_THINK}{summary}"


def tagged(thought: str, answer: str) -> str:
    """The form that R1-Zero's prompt asks for (table 1): the final answer in tags of its own."""
    return compose(thought, f"{ANSWER}{answer}{END_ANSWER}")
