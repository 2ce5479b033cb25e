"""The prompt and the completion of a row, whatever its columns are called.

    messages        {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", …}]}
                    the thought may stand in the assistant's own field `reasoning_content`
    conversations   {"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", …}]}
    pairs           {"question": "…", "response": "…"}, {"instruction": "…", "input": "…",
                    "output": "…"}, {"problem": "…", "generations": ["…", "…"]}; either column may
                    hold messages too

The config's `columns` names a file's own columns where these names do not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stages.data.sources import BadRow, Raw
from stages.data.template import Message
from stages.data.thoughts import NotNormal, asks_for_tags, read_trace

#: What each part of an exchange may be called, the likelier name first.
NAMES = {
    "prompt": ("prompt", "problem", "question", "instruction", "query", "input"),
    "completion": (
        "completion", "generations", "generation", "response", "output", "message_content",
        "deepseek_attempt", "attempt", "solution", "answer",
    ),
    "thought": (
        "message_thinking", "reasoning_content", "reasoning", "thinking", "thought",
        "deepseek_thinking_trajectory", "thinking_trajectories",
    ),
    "reference": ("reference", "gtruth_answer", "gt", "final_answer", "answer"),
}  # fmt: skip
TURNS = ("messages", "conversations")
ROLES = {
    "system": "system", "user": "user", "human": "user",
    "assistant": "assistant", "gpt": "assistant", "model": "assistant",
}  # fmt: skip
_THOUGHT_FIELDS = ("reasoning_content", "thinking", "reasoning")


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
    return sorted(set(columns) - {*NAMES, "turns"})


def exchanges(row: Raw, columns: Mapping[str, str]) -> Iterator[Exchange]:
    """Every exchange of a row: one, or one for each of its generations."""
    turns = columns.get("turns") or next((name for name in TURNS if row.get(name)), None)
    named = {part: columns.get(part) or _found(row, part) for part in NAMES}
    if columns.get("completion") or not turns:
        yield from _pairs(row, named, columns)
        return
    reference = None if named["reference"] is None else _plain(row[named["reference"]])
    prompt, text, thought = _conversation(row[turns], turns)
    yield Exchange(turns, prompt, text, thought, reference)


def _found(row: Raw, part: str) -> str | None:
    return next((name for name in NAMES[part] if row.get(name) not in (None, "", [])), None)


def _pairs(row: Raw, named: Mapping[str, str | None], columns: Raw) -> Iterator[Exchange]:
    asked, said = named["prompt"], named["completion"]
    if asked is None or said is None or asked == said:
        raise BadRow(
            f"no column of a {'prompt' if asked is None else 'completion'} among "
            f"{', '.join(map(str, row))}; name them in `columns`"
        )
    for name in (asked, said):
        if name not in row:
            raise BadRow(f"no column `{name}`; found {', '.join(map(str, row))}")
    prompt = _prompt(row, asked, columns)
    given = named["reference"]
    reference = None if given in (None, said) else _plain(row.get(str(given)))
    thought = _thought(row.get(str(named["thought"])))
    for value in _completions(row[said], said):
        if isinstance(value, list):
            _, text, own = _conversation([*prompt, *value], said)
        else:
            text, own = value, thought
        yield Exchange(f"{asked} → {said}", prompt, text, own, reference)


def _completions(value: Any, name: str) -> list[Any]:
    """A text, several texts, or the messages of one answer."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and all(isinstance(text, str) for text in value):
        return value
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return [value]
    raise BadRow(f"column `{name}` is a {type(value).__name__}, expected text, texts or messages")


def _prompt(row: Raw, name: str, columns: Raw) -> list[Message]:
    value = row[name]
    if isinstance(value, list):
        return [turn for turn, _ in map(_turn, value)]
    if not isinstance(value, str) or not value.strip():
        raise BadRow(f"column `{name}` is {value!r}, expected text")
    more = row.get("input") if name == "instruction" and "prompt" not in columns else None
    text = f"{value}\n\n{more}" if more else value
    return [{"role": "user", "content": text}]


def _conversation(turns: Any, name: str) -> tuple[list[Message], str, str | None]:
    """The messages before the last one, and the assistant's last words with their thought."""
    if not isinstance(turns, list):
        raise BadRow(f"column `{name}` is {turns!r}, expected a list of messages")
    *before, (last, thought) = [_turn(turn) for turn in turns]
    if last["role"] != "assistant" or not before:
        raise BadRow(f"`{name}` must end with the assistant's answer to a message")
    prompt = [_as_context(message) for message, _ in before]
    return [message for message in prompt if message], last["content"], thought


def _turn(turn: Any) -> tuple[Message, str | None]:
    fields = turn if isinstance(turn, Mapping) else {}
    role = ROLES.get(str(fields.get("role") or fields.get("from")))
    content = fields.get("content", fields.get("value"))
    if role is None or not isinstance(content, str):
        raise BadRow(f"{turn!r:.200} is no message with a role ({', '.join(ROLES)}) and a text")
    thought = next((fields[name] for name in _THOUGHT_FIELDS if fields.get(name)), None)
    return {"role": role, "content": content}, thought


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


def _thought(value: Any) -> str | None:
    """A text, or the only one of a list, as s1K has it."""
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    return value if isinstance(value, str) and value.strip() else None


def _plain(value: Any) -> str | None:
    return None if value is None else str(value).strip() or None
