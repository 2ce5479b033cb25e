"""The prompt and the completion of a row, whatever its columns are called.

    messages        {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", …}]}
                    (stages/chat/messages.py: the shapes, thoughts in fields of their own, what is
                    put before them)
    conversations   {"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", …}]}
    pairs           {"question": "…", "response": "…"}, {"instruction": "…", "input": "…",
                    "output": "…"}, {"problem": "…", "generations": ["…", "…"]}; either column may
                    hold messages too. `input` or `context` of an instruction, and `context` of a
                    question, are put after it

The config's `columns` names a file's own columns where these names do not fit; `context` is then
what is put after the question, where a row has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stages.chat.messages import REQUEST, as_asked, in_context, thought_of, turn_of
from stages.chat.template import Message
from stages.chat.thoughts import NotNormal, asks_for_tags, read_trace
from stages.rows.files import BadRow, Raw
from stages.verifiers.reference import reference_of

#: What each part of an exchange may be called, the likelier name first.
NAMES = {
    "prompt": ("prompt", "problem", "question", "instruction", "query", "input"),
    "completion": (
        "completion", "generations", "generation", "response", "output", "message_content",
        "deepseek_attempt", "attempt", "solution", "answer",
    ),
    "thought": (
        "message_thinking", "reasoning_content", "reasoning", "thinking", "thought",
        "deepseek_thinking_trajectory", "thinking_trajectories", "reasoning_details",
    ),
    "reference": ("reference", "gtruth_answer", "gt", "final_answer", "answer"),
}  # fmt: skip
TURNS = ("messages", "conversations")
#: What stands beside a question and belongs to it.
_BESIDE = {"instruction": ("input", "context"), "question": ("context",), "query": ("context",)}


@dataclass(frozen=True)
class Exchange:
    """One prompt and one completion as the row has them.

    columns: where they stood. thought: from a column of its own.
    """

    columns: str
    prompt: list[Message]
    text: str
    thought: str | None = None
    reference: str | None = None


def check_columns(columns: Mapping[str, str]) -> list[str]:
    """The names in the config's `columns` that mean nothing."""
    return sorted(set(columns) - {*NAMES, "turns", "context"})


def exchanges(row: Raw, columns: Mapping[str, str]) -> Iterator[Exchange]:
    """Every exchange of a row: one, or one for each of its generations."""
    if row.get("label") is False:
        raise BadRow("column `label` is false: a bad answer, which is not to be learnt")
    asks, row = REQUEST in row, as_asked(row)
    turns = columns.get("turns") or next((name for name in TURNS if row.get(name)), None)
    named = {part: columns.get(part) or _found(row, part) for part in NAMES}
    if asks and "completion" not in columns and named["completion"] in NAMES["reference"]:
        named["completion"] = None  # of a request to a model, what answers are compared with
    if columns.get("completion") or not turns:
        yield from _pairs(row, named, columns)
        return
    reference = reference_of(row.get(str(named["reference"])))
    prompt, text, thought = conversation(row[turns], turns)
    thought = thought or thought_of(row, [str(named["thought"])])
    yield Exchange(turns, asked(row, prompt), text, thought, reference)


def _found(row: Raw, part: str) -> str | None:
    return next((name for name in NAMES[part] if row.get(name) not in (None, "", [])), None)


def _pairs(row: Raw, named: Mapping[str, str | None], columns: Raw) -> Iterator[Exchange]:
    question, said = named["prompt"], named["completion"]
    if question is None or said is None or question == said:
        raise BadRow(
            f"no column of a {'prompt' if question is None else 'completion'} among "
            f"{', '.join(map(str, row))}; name them in `columns`"
        )
    for name in (question, said):
        if name not in row:
            raise BadRow(f"no column `{name}`; found {', '.join(map(str, row))}")
    own = question_of(row, question, columns)
    prompt = asked(row, own)
    given = named["reference"]
    reference = None if given in (None, said) else reference_of(row.get(str(given)))
    thought = thought_of(row, [str(named["thought"])])
    for value in _completions(row[said], said):
        text, its = answer_to(own, value, said) if isinstance(value, list) else (value, None)
        yield Exchange(f"{question} → {said}", prompt, text, its or thought, reference)


def _completions(value: Any, name: str) -> list[Any]:
    """A text, several texts, or the messages of one answer."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and all(isinstance(text, str) for text in value):
        return value
    if isinstance(value, Mapping):
        return [[value]]
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return [value]
    raise BadRow(f"column `{name}` is a {type(value).__name__}, expected text, texts or messages")


def question_of(row: Raw, name: str, columns: Raw) -> list[Message]:
    """What a column asks, with what belongs to it and without the talk before; see `asked`.

    columns: those that the config names, of which `prompt` stands alone unless there is `context`.
    """
    value = row[name]
    if isinstance(value, list) and value:
        return [turn for turn, _ in map(turn_of, value)]
    if not isinstance(value, str) or not value.strip():
        raise BadRow(f"column `{name}` is {value!r:.200}, expected text")
    beside = (columns["context"],) if "context" in columns else _BESIDE.get(name, ())
    if "prompt" in columns and "context" not in columns:
        beside = ()
    parts = [value, *(row[more] for more in beside if row.get(more) not in (None, "", []))]
    if not all(isinstance(part, str) for part in parts):
        raise BadRow(f"what stands beside `{name}` in {' or '.join(beside)} is no text")
    return [{"role": "user", "content": "\n\n".join(parts)}]


def asked(row: Raw, said: list[Message]) -> list[Message]:
    """The prompt in the context that its row gives, as it is learnt from."""
    prompt = [message for one in in_context(row, said) if (message := _as_context(one))]
    if not prompt or prompt[-1]["role"] != "user":
        raise BadRow("the prompt must end with a message of the user")
    return prompt


def conversation(turns: Any, name: str) -> tuple[list[Message], str, str | None]:
    """The messages before the last one, and the assistant's last words with their thought."""
    if not isinstance(turns, list):
        raise BadRow(f"column `{name}` is {turns!r:.200}, expected a list of messages")
    *before, (last, thought) = [turn_of(turn) for turn in turns] or [({"role": ""}, None)]
    if last["role"] != "assistant" or not before:
        raise BadRow(f"`{name}` must end with the assistant's answer to a message")
    return [message for message, _ in before], last["content"], thought


def answer_to(question: list[Message], turns: Iterable[Any], name: str) -> tuple[str, str | None]:
    """The answer that messages give to a question, which may stand among them again."""
    said = [turn_of(turn) for turn in turns]
    before = [message for message, _ in said[:-1]]
    if not said or said[-1][0]["role"] != "assistant" or before not in ([], question):
        raise BadRow(f"`{name}` must be the assistant's answer to the prompt")
    return said[-1][0]["content"], said[-1][1]


def _as_context(message: Message) -> Message:
    """A turn that is not learnt: an earlier answer without its thought, as when R1 is asked.

    A system prompt that asks for other tags than the recipe's is left out.
    """
    if message["role"] == "system" and asks_for_tags(message["content"]):
        return {}
    if message["role"] != "assistant" or not asks_for_tags(message["content"]):
        return message
    try:
        return {**message, "content": read_trace(message["content"]).answer}
    except NotNormal as reason:
        raise BadRow(f"an earlier answer: {reason}") from reason
