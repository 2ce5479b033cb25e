"""What the readers of all formats share: columns of a raw row, and the problem made of them."""

from __future__ import annotations

import json
from typing import Any

from stages.rows.files import BadRow, Raw
from stages.rows.schemas import Row
from stages.verifiers.reference import reference_of


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
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int | float)):
        raise BadRow(f"column `{name}` is {value!r}, expected a text or a number")
    answer = reference_of(value)
    return None if answer is None else answer.strip()


def list_of(row: Raw, *names: str) -> list[Any]:
    """A column that must hold a list with something in it."""
    value = row[_present(row, names)]
    if not isinstance(value, list) or not value:
        raise BadRow(f"column `{_present(row, names)}` is {value!r}, expected a list")
    return value


def facts_of(row: Raw, *names: str) -> dict[str, Any]:
    """The columns that the row has of these, for the metadata."""
    return {name: row[name] for name in names if row.get(name) is not None}


def _present(row: Raw, names: tuple[str, ...]) -> str:
    for name in names:
        if name in row:
            return name
    found = ", ".join(map(str, row)) or "none"
    raise BadRow(f"no column {' or '.join(f'`{name}`' for name in names)}; found {found}")
