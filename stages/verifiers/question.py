"""A case as it travels to a worker."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from stages.verifiers.grade import Case
from stages.verifiers.kept_rows import LONG, MARK, name_of


@dataclass(frozen=True, eq=False)
class SentRow:
    """A row that is long, by name, and the line by which a worker learns of it."""

    name: str
    line: bytes


@dataclass(frozen=True)
class Question:
    """line: what a worker is asked, and the key under which its verdict is remembered.

    row: what it must have been told before, of rows that are long.
    """

    line: bytes
    row: SentRow | None = field(default=None, compare=False)


_sent: WeakValueDictionary[str, SentRow] = WeakValueDictionary()


def question_of(case: Case) -> Question:
    """The question that a case is.

    Without what `earned` reads here: the same answer to questions in other words is judged once.
    """
    told: dict[str, object] = {"reference": case.reference, "metadata": dict(case.metadata)}
    fields: dict[str, object] = {"verifier": case.verifier, "texts": case.texts}
    row = _line(told)
    if len(row) <= LONG:
        return Question(_line(fields | told))
    name = name_of(row)
    if (sent := _sent.get(name)) is None:
        sent = _sent[name] = SentRow(name, MARK + name.encode() + b" " + row)
    return Question(_line(fields | {"row": name}), sent)


def _line(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, sort_keys=True, default=str).encode() + b"\n"
