"""What a chat server's answer says: the text with its thought, why it ended, how long it was.

Servers and what stands before them (routers, proxies, parsers of thoughts) differ, and err. What
every one of them says in its own way is read here; what is no chat completion at all is `Odd`, with
the field that is wrong, and is asked for again. A count of tokens that cannot be true is no reason
to lose an answer: it counts as not told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.chat.template import END_THINK, THINK

FINISH = {"max_tokens": "length", "eos": "stop", "end_turn": "stop", None: "stop"}
THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details")
THINKING = ("thinking", "reasoning", "redacted_thinking")  # parts of a content that are no answer
SHOWN = 100  # characters of a value that a message shows


class Odd(Exception):
    """An answer that is no chat completion: which field, and what it holds."""


@dataclass(frozen=True)
class Reply:
    """One answer. text: with the thought between its tags, where the server took it out.

    tokens: of all that was generated; 0 where the server does not tell. thinking: those of the
    thought, or None. doubt: why what the server says of tokens was not believed.
    """

    text: str
    finish_reason: str
    tokens: int
    thinking: int | None
    doubt: str | None


def read_reply(answer: Mapping[str, Any], max_tokens: int) -> Reply:
    """A server's answer to a request for up to `max_tokens`. Raises Odd."""
    choice = _choice(answer)
    message, reason = choice.get("message"), choice.get("finish_reason")
    if not isinstance(message, dict):
        raise Odd(f"choices[0].message is {_shown(message)}")
    if not isinstance(reason, str | None) or reason == "error":
        raise Odd(f"choices[0].finish_reason is {_shown(reason)}")
    finish = FINISH.get(reason, reason) or "stop"
    text, thought = _parts(message.get("content"), "choices[0].message.content")
    thought = _first([_thought(message, name) for name in THOUGHTS] + [thought])
    if thought is not None:  # an empty one is a thought, too
        unfinished = finish == "length" and not text
        text = f"{THINK}{thought}" + ("" if unfinished else f"{END_THINK}{text}")
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return Reply(text, finish, *_counts(answer.get("usage"), len(text.encode()) + max_tokens))


def _choice(answer: Mapping[str, Any]) -> dict[str, Any]:
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        error = answer.get("error")
        error = error.get("message", error) if isinstance(error, dict) else error
        told = "" if error is None else f"; the server says {_shown(error)}"
        raise Odd(f"choices is {_shown(choices)}{told}")
    return choices[0]


def _first(thoughts: list[str | None]) -> str | None:
    """The first thought that says something; an empty one where none does, and there are any."""
    told = [thought for thought in thoughts if thought is not None]
    return next(filter(None, told), "" if told else None)


def _thought(message: Mapping[str, Any], name: str) -> str | None:
    """A thought that stands beside the content: a text, or a list of parts (OpenRouter)."""
    value = message.get(name)
    if not isinstance(value, list):
        text, _ = _parts(value, f"choices[0].message.{name}")
        return text if value is not None else None
    said = [part.get("text") or part.get("summary") for part in value if isinstance(part, dict)]
    texts = [text for text in said if isinstance(text, str)]  # an encrypted part has none
    return "\n".join(texts) if texts else None


def _parts(content: Any, where: str) -> tuple[str, str | None]:
    """The text of a content, and the thought in it: a string, nothing, or a list of parts."""
    if content is None or isinstance(content, str):
        return content or "", None
    if not isinstance(content, list):
        raise Odd(f"{where} is {_shown(content)}")
    texts, thoughts = [], []
    for place, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in THINKING:
            said = part.get("thinking", part.get("text")) or ""
            thoughts.append(said if isinstance(said, str) else _parts(said, where)[0])
        elif isinstance(text := part.get("text") if isinstance(part, dict) else part, str):
            texts.append(text)
        else:
            raise Odd(f"{where}[{place}] is {_shown(part)}")
    return "".join(texts), "\n".join(thoughts) if thoughts else None


def _counts(usage: Any, most: int) -> tuple[int, int | None, str | None]:
    """The tokens of an answer, those of its thought, and why the first are not believed."""
    if usage is None:
        return 0, None, None
    if not isinstance(usage, dict):
        return 0, None, f"usage is {_shown(usage)}"
    total, details = usage.get("completion_tokens"), usage.get("completion_tokens_details")
    if total is not None and _count(total, most) is None:
        return 0, None, f"usage.completion_tokens is {_shown(total)}"
    thinking = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return _count(total, most) or 0, _count(thinking, most), None


def _count(value: Any, most: int) -> int | None:
    """A number of tokens, where it can be one: no token is shorter than a byte."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if number and 0 <= value <= most else None


def _shown(value: Any) -> str:
    """A value in a message, however deep or long it is."""
    if isinstance(value, dict | list):
        kind = "an object" if isinstance(value, dict) else "a list"
        said = ", ".join(str(part)[:SHOWN] for part in list(value)[:3] if isinstance(part, str))
        return f"{kind} of {len(value)} ({said})" if said else f"{kind} of {len(value)}"
    return repr(value)[:SHOWN] if value is not None else "missing or null"
