"""Where a row holds a thing: the file's own names, as a column map or a filter gives them.

    answer                     a column
    extra_info.answer          a key of an object; of JSON in a text, too
    choices.0, turns.-1        an element of a list, from its start or its end
    conversation.@user         what the user said last in a conversation
    [A, B, C, D]               several of these, as a list (options in columns of their own)

A column whose own name has dots is found by it first. A null on the way is a null at its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stages.chat.messages import turn_of
from stages.rows.files import BadRow, BrokenRow, Raw

LAST_USER = "@user"
_INDEX = re.compile(r"-?\d+")

#: What a column map may name, and other words for the same.
NAMES = (
    "prompt", "reference", "options", "id", "language", "domain", "verifier", "source", "system",
    "preference", "metadata", "solution", "licence", "pass_rate",
)  # fmt: skip
ALIASES = {"question": "prompt", "answer": "reference"}


def unknown_names(columns: Mapping[str, Any]) -> list[str]:
    """The names in a column map that mean nothing."""
    return sorted(set(columns) - {*NAMES, *ALIASES})


def mapped(row: Raw, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The row in our own columns: those that the map names, and no others."""
    return {ALIASES.get(name, name): field(row, place) for name, place in columns.items()}


def roots(columns: Mapping[str, Any]) -> set[str]:
    """The columns of the file that a map reads, whole or in part."""
    places = (one for place in columns.values() for one in _each(place))
    return {part for place in places for part in (place, place.partition(".")[0])}


def field(row: Raw, place: Any) -> Any:
    """What stands in a place of a row; raises BadRow where the row has no such place."""
    if not isinstance(place, str):
        return [field(row, one) for one in place]
    if place in row:
        return row[place]
    found: Any = row
    done: list[str] = []
    for part in place.split("."):
        found = _step(found, part, ".".join(done), place)
        done.append(part)
        if found is None:
            return None
    return found


def _step(found: Any, part: str, before: str, place: str) -> Any:
    """One part of a place further on."""
    where = f"`{before}`" if before else "the row"
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except json.JSONDecodeError as error:
            raise BrokenRow(
                f"{where} is {found!r:.80}, expected JSON with `{part}` in it ({error.msg})"
            ) from error
    if part == LAST_USER and isinstance(found, list):
        return _last_of_user(found, where)
    if isinstance(found, Mapping):
        if part not in found:
            has = ", ".join(map(str, found)) or "nothing"
            named = "no column" if not before else f"{where} has no"
            raise BadRow(f"{named} `{part}`{_of(part, place)}; found {has}")
        return found[part]
    if isinstance(found, list) and _INDEX.fullmatch(part):
        if not -len(found) <= int(part) < len(found):
            raise BrokenRow(f"{where} has {len(found)} elements, expected one at {part}")
        return found[int(part)]
    raise BrokenRow(
        f"{where} is a {type(found).__name__} ({found!r:.80}), expected one that has `{part}`"
    )


def _of(part: str, place: str) -> str:
    return "" if part == place else f" of `{place}`"


def _last_of_user(turns: list[Any], where: str) -> str:
    said = [turn_of(turn)[0] for turn in turns]
    for turn in reversed(said):
        if turn["role"] == "user":
            return turn["content"]
    raise BrokenRow(f"{where} has no message of a user")


def _each(place: Any) -> Iterator[str]:
    yield from [place] if isinstance(place, str) else place
