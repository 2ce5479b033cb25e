"""The formats of the real data sets: one raw row → the columns of a problem that it decides."""

from __future__ import annotations

import json
from typing import Any

from stages.data.rows import Row
from stages.data.sources import BadRow, Format, Raw

FINAL_ANSWER = "####"
ROLES = ("system", "user", "assistant")


def text_of(row: Raw, column: str) -> str:
    """A column that must hold text."""
    if column not in row:
        raise BadRow(f"no column `{column}`; found {', '.join(map(str, row)) or 'none'}")
    value = row[column]
    if not isinstance(value, str) or not value.strip():
        raise BadRow(f"column `{column}` is {value!r}, expected text")
    return value.strip()


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


def _maths(question: str, reference: str, source: str, metadata: Raw | None = None) -> Row:
    return {
        "domain": "math",
        "prompt": [{"role": "user", "content": question}],
        "verifier": "math",
        "reference": reference,
        "metadata": json.dumps(metadata or {}, sort_keys=True),
        "source": source,
    }


def _gsm8k(row: Raw) -> Row:
    _, mark, final = text_of(row, "answer").rpartition(FINAL_ANSWER)
    if not mark or not final.strip():
        raise BadRow(f"column `answer` has no final answer after `{FINAL_ANSWER}`")
    return _maths(text_of(row, "question"), final.strip().replace(",", ""), "gsm8k")


def _math500(row: Raw) -> Row:
    facts = {name: row[name] for name in ("subject", "level", "unique_id") if name in row}
    return _maths(text_of(row, "problem"), text_of(row, "answer"), "math500", facts)


def _mgsm(row: Raw) -> Row:
    question = text_of(row, "question")
    answer = str(row.get("answer_number", "")).strip().replace(",", "")
    if not answer.removeprefix("-").replace(".", "", 1).isdigit():
        raise BadRow(f"the answer is {answer!r}, expected a number")
    return _maths(question, answer, "mgsm")


def _problem(row: Raw) -> Row:
    """A row in our own columns: domain, prompt, verifier and reference are required."""
    metadata = row.get("metadata") or {}
    if not isinstance(metadata, str):
        metadata = json.dumps(metadata, ensure_ascii=False, sort_keys=True)
    given = {name: str(row[name]) for name in ("id", "language") if row.get(name)}
    return {
        **given,
        "domain": text_of(row, "domain"),
        "prompt": messages_of(row, "prompt"),
        "verifier": _verifier(text_of(row, "verifier")),
        "reference": text_of(row, "reference"),
        "metadata": metadata,
        "source": row.get("source") or "file",
    }


def _verifier(name: str) -> str:
    from stages.verifiers import VERIFIERS

    if name not in VERIFIERS:
        raise BadRow(f"column `verifier` is {name!r}, expected one of {', '.join(VERIFIERS)}")
    return name


FORMATS = {
    "gsm8k": Format(_gsm8k),
    "math500": Format(_math500),
    "mgsm": Format(_mgsm, columns=("question", "answer_number")),
    "problems": Format(_problem),
}
