"""The contract of every verifier: `verify(completion, reference, **metadata) -> Verdict`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """score: 1.0 right, 0.0 wrong, None when it cannot be judged (never counted as wrong)."""

    score: float | None
    reason: str


@dataclass(frozen=True)
class Request:
    """One answer to judge. `verifier` is a name in `stages.verifiers.VERIFIERS`.

    fault: why a row of a file could not be read; it is then the reason of the verdict None.
    """

    verifier: str
    completion: str
    reference: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


def request_of(row: Mapping[str, Any], completion: str) -> Request:
    """The request to judge one completion of a problem row (stages/data/rows.py).

    Metadata that is no JSON object stays what it is, and the verdict says so.
    """
    metadata: Any = row["metadata"] or "{}"
    with contextlib.suppress(ValueError):
        metadata = json.loads(metadata)
    return Request(row["verifier"], completion, row["reference"] or "", metadata)


#: What a verifier reads of a completion (stages/verifiers/answer.py).
ANSWER, RESPONSE = "answer", "response"


class Unreadable(Exception):
    """A reference or its metadata that the verifier cannot read: the verdict is None."""


RIGHT = Verdict(1.0, "right")
WRONG = Verdict(0.0, "wrong")
#: Of the strict policy: right, but not worked for.
COPIED = Verdict(0.0, "repeats its question")
UNDONE = Verdict(0.0, "not computed")
