"""Chat messages as other people write them: who speaks, what is said, and what was thought.

    {"role": "user", "content": "…"}                     OpenAI; content may be a list of text parts
    {"from": "human", "value": "…"}                      ShareGPT
    {"role": "assistant", "content": "…", "reasoning_content": "…"}
                                                         or reasoning, thinking, reasoning_details

What belongs to a talk and stands in columns of its own is put before its messages: a system prompt
(`system`, `system_prompt`), earlier turns (`history`: pairs, or messages). What text cannot say
(images, tools and their calls) is refused: without it the answer would be another. Rows of NeMo Gym
say in `responses_create_params` what is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stages.chat.template import Message
from stages.rows.files import BadRow, Raw

ROLES = {
    "system": "system", "developer": "system", "user": "user", "human": "user",
    "assistant": "assistant", "gpt": "assistant", "model": "assistant", "bot": "assistant",
}  # fmt: skip
SYSTEM = ("system", "system_prompt")
HISTORY = "history"
_CONTENT, _THOUGHT = ("content", "value"), ("reasoning_content", "thinking", "reasoning")
_DETAILS = "reasoning_details"
REQUEST = "responses_create_params"
_BEYOND_TEXT = ("tools", "tool_calls", "function_call", "images", "image", "videos", "audios")


def as_asked(row: Raw) -> Raw:
    """The row, with the prompt in a column of its own where it holds a request to a model."""
    request = row.get(REQUEST)
    if not isinstance(request, Mapping) or not request.get("input"):
        return row
    told = {"prompt": request["input"], "tools": request.get("tools")}
    return {**row, **told} | ({"system": system} if (system := request.get("instructions")) else {})


def turn_of(turn: Any) -> tuple[Message, str | None]:
    """A message in the recipe's form, and the thought that stands in a field of its own."""
    fields = turn if isinstance(turn, Mapping) else {}
    _only_text(fields, "a message")
    role = ROLES.get(str(_first(fields, ("role", "from"))).lower())
    text, thought = _said(_first(fields, _CONTENT))
    if role is None or text is None:
        raise BadRow(
            f"{turn!r:.200} is no message with a role ({', '.join(dict.fromkeys(ROLES))}) "
            "and a text"
        )
    return {"role": role, "content": text}, thought or thought_of(fields, _THOUGHT)


def messages_of(row: Raw, column: str) -> list[Message]:
    """A column that must hold chat messages, or a text that stands for the user's only one.

    With what else belongs to the talk; the last word is the user's.
    """
    value = row.get(column)
    if isinstance(value, str) and value.strip():
        said = [{"role": "user", "content": value}]
    elif isinstance(value, list) and value:
        said = [turn_of(message)[0] for message in value]
    else:
        raise BadRow(f"column `{column}` is {value!r:.200}, expected a text or a list of messages")
    if said[-1]["role"] != "user":
        raise BadRow(f"`{column}` ends with a message of role {said[-1]['role']}, expected user")
    return in_context(row, said)


def in_context(row: Raw, said: list[Message]) -> list[Message]:
    """The messages of a row after its own system prompt and the turns before them."""
    _only_text(row, "the row")
    before = _history(row.get(HISTORY))
    systems = [_system(row[name], name) for name in SYSTEM if row.get(name) not in (None, "", [])]
    given = [m["content"].strip() for m in (*before, *said) if m["role"] == "system"]
    new = [text for text in dict.fromkeys(systems) if text and text not in given]
    if len(new) + len(given) > 1 and new:
        raise BadRow(f"two system prompts: {new[0]!r:.80} and {(new[1:] + given)[0]!r:.80}")
    if new:
        before = [{"role": "system", "content": new[0]}, *before]
    return [*before, *said]


def thought_of(fields: Raw, names: Iterable[str]) -> str | None:
    """The first of these fields that holds a thought, or what `reasoning_details` says."""
    found = next((t for name in names if (t := _thought(fields.get(name)))), None)
    return found or _details(fields.get(_DETAILS))


def _thought(value: Any) -> str | None:
    """A text, or the only one of a list, as s1K has it."""
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    return value if isinstance(value, str) and value.strip() else None


def _details(value: Any) -> str | None:
    """The texts of OpenRouter's list, else its summaries; what is encrypted says nothing."""
    parts = [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []
    for name in ("text", "summary"):
        texts = [part[name] for part in parts if isinstance(part.get(name), str)]
        if any(texts):
            return "".join(texts)
    return None


def _said(content: Any) -> tuple[str | None, str | None]:
    """The text of a message and a thought among its parts."""
    if isinstance(content, str):
        return content, None
    if not isinstance(content, list) or not content:
        return None, None
    texts: list[str] = []
    thoughts: list[str] = []
    for part in content:
        kind = part.get("type", "text") if isinstance(part, Mapping) else "text"
        text = part if isinstance(part, str) else _part(part, kind)
        if text is None:
            raise BadRow(f"a part of a message is {part!r:.80}, expected text")
        (thoughts if kind in ("thinking", "reasoning") else texts).append(text)
    return "".join(texts), "".join(thoughts) or None


def _part(part: Any, kind: Any) -> str | None:
    """The text of one part of a message; None: it is no text."""
    names = {"thinking": "thinking", "reasoning": "text"}
    known = (*names, "text", "input_text", "output_text")
    if not isinstance(part, Mapping) or kind not in known:
        return None
    text = part.get(names.get(kind, "text"), part.get("text"))
    return text if isinstance(text, str) else None


def _history(value: Any) -> list[Message]:
    """Earlier turns: pairs of a question and its answer, or messages."""
    if not value:
        return []
    if not isinstance(value, list):
        raise BadRow(f"column `{HISTORY}` is {value!r:.80}, expected pairs or messages")
    turns: list[Message] = []
    for one in value:
        if isinstance(one, Mapping):
            turns.append(turn_of(one)[0])
        elif isinstance(one, list) and len(one) == 2 and all(isinstance(t, str) for t in one):
            roles = ("user", "assistant")
            turns += [{"role": r, "content": t} for r, t in zip(roles, one, strict=True)]
        else:
            raise BadRow(f"`{HISTORY}` holds {one!r:.80}, expected [question, answer] or a message")
    return turns


def _system(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadRow(f"column `{name}` is {value!r:.80}, expected text")
    return value.strip()


def _only_text(fields: Raw, what: str) -> None:
    """Refuse what belongs to a talk and is no text."""
    for name in _BEYOND_TEXT:
        if fields.get(name) not in (None, "", [], {}, "[]", "{}"):
            raise BadRow(f"{what} has `{name}`, which a text does not show")


def _first(fields: Raw, names: Iterable[str]) -> Any:
    """The first of these fields that is not null."""
    return next((fields[name] for name in names if fields.get(name) is not None), None)
