"""A number beside the place that it comes from: `max_steps: {value: 10400, source: "2.1"}`.

Files of conf/ may say so wherever they have a number, a list or a mapping. `source` alone is of a
value that another file sets; a place is a text. A stage keeps these places as its `sources`, by
dotted key, and so does a section at the root.
"""

from __future__ import annotations

from typing import Any

_OF_MANY = ("stages", "kinds", "steps")  # whose entries each have sources of their own


def keep_sources(content: dict[str, Any]) -> None:
    """Put the values of a file in place of the pairs, and the places into `sources`."""
    for name, section in content.items():
        for entry in section.values() if name in _OF_MANY and section else (section,):
            if isinstance(entry, dict) and (found := _apart(entry)):
                entry["sources"] = found | entry.get("sources", {})


def _apart(section: dict[str, Any]) -> dict[str, str]:
    """The places by dotted key; `section` is left with the values."""
    found: dict[str, str] = {}
    for key, value in list(section.items()):
        if not isinstance(value, dict):
            continue
        if isinstance(value.get("source"), str) and value.keys() <= {"value", "source"}:
            found[key] = value["source"]
            value = section[key] = value.get("value", {})
        if isinstance(value, dict) and value:
            found |= {f"{key}.{below}": place for below, place in _apart(value).items()}
        if value == {} and any(place == key or place.startswith(f"{key}.") for place in found):
            del section[key]  # it had no value, only a place
    return found
