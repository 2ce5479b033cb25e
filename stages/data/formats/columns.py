"""What the readers of all formats share: columns of a raw row, and the problem made of them."""

from __future__ import annotations

import json
import math
from typing import Any

from stages.data.files import BadRow, Raw
from stages.data.rows import Row

ROLES = ("system", "user", "assistant")


def problem(
    domain: str, question: str, verifier: str, reference: str | None, **metadata: Any
) -> Row:
    """A row with the question as the user's only message."""
    return {
        "domain": domain,
        "prompt": [{"role": "user", "content": question}],
        "verifier": verifier,
        "reference": reference,
        "metadata": json.dumps(metadata, ensure_ascii=False, sort_keys=True),
    }


def text_of(row: Raw, *names: str) -> str:
    """A column that must hold text; of several names, the first that the row has."""
    value = row[_present(row, names)]
    if not isinstance(value, str) or not value.strip():
        raise BadRow(f"column `{_present(row, names)}` is {value!r}, expected text")
    return value.strip()


def answer_of(row: Raw, *names: str) -> str | None:
    """A column that holds a text or a number as text (27.0 is 27); None where it is empty."""
    name = _present(row, names)
    value = row[name]
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else str(value)
    if value is None or isinstance(value, float):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadRow(f"column `{name}` is {value!r}, expected a text or a number")
    return str(value).strip() or None


def list_of(row: Raw, *names: str) -> list[Any]:
    """A column that must hold a list with something in it."""
    value = row[_present(row, names)]
    if not isinstance(value, list) or not value:
        raise BadRow(f"column `{_present(row, names)}` is {value!r}, expected a list")
    return value


def facts_of(row: Raw, *names: str) -> dict[str, Any]:
    """The columns that the row has of these, for the metadata."""
    return {name: row[name] for name in names if row.get(name) is not None}


def messages_of(row: Raw, column: str) -> list[dict[str, str]]:
    """A column that must hold chat messages, or a text that stands for the user's only one."""
    value = row.get(column)
    if isinstance(value, str) and value.strip():
        return [{"role": "user", "content": value}]
    if not isinstance(value, list) or not value:
        raise BadRow(f"column `{column}` is {value!r}, expected a list of messages")
    return [_message(message, column, place) for place, message in enumerate(value)]


def _message(message: Any, column: str, place: int) -> dict[str, str]:
    fine = isinstance(message, dict) and isinstance(message.get("content"), str)
    if not fine or message.get("role") not in ROLES:
        raise BadRow(
            f"`{column}[{place}]` is {message!r}, expected an object with role "
            f"({', '.join(ROLES)}) and content (text)"
        )
    return {"role": message["role"], "content": message["content"]}


def _present(row: Raw, names: tuple[str, ...]) -> str:
    for name in names:
        if name in row:
            return name
    found = ", ".join(map(str, row)) or "none"
    raise BadRow(f"no column {' or '.join(f'`{name}`' for name in names)}; found {found}")
