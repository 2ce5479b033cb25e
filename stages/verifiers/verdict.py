"""The contract of every verifier: `verify(completion, reference, **metadata) -> Verdict`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pipeline.errors import printable
from stages.verifiers.answer import Parsed
from stages.verifiers.reference import reference_of


@dataclass(frozen=True)
class Verdict:
    """score: 1.0 right, 0.0 wrong, None when it cannot be judged (never counted as wrong)."""

    score: float | None
    reason: str


LONGEST_REASON = 400  # letters; a compiler's first error has 300


def said(verdict: Verdict) -> Verdict:
    """The verdict with a reason that can be shown: models choose the words of some of them."""
    reason = printable(verdict.reason)
    if len(reason) > LONGEST_REASON:
        reason = reason[: LONGEST_REASON - 1] + "…"
    return verdict if reason == verdict.reason else Verdict(verdict.score, reason)


@dataclass(frozen=True)
class Request:
    """One answer to judge. `verifier` is a name in `stages.verifiers.VERIFIERS`.

    question: what was asked, or "" where unknown. fault: why a row of a file could not be read; it
    is then the reason of the verdict None. parsed: the completion taken apart by the policy that
    judges it, where somebody has done so already.
    """

    verifier: str
    completion: str
    reference: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    question: str = ""
    parsed: Parsed | None = None


def request_of(
    row: Mapping[str, Any], completion: Any = None, parsed: Parsed | None = None
) -> Request:
    """The request that a row stands for, with its own completion unless another is given.

    A row of a file or of a stage (stages/rows/schemas.py). What is missing or of a wrong type is
    left to the verdict, which says so; so is a reference that says nothing (reference.py).
    """
    reference = reference_of(row.get("reference"), row.get("verifier")) or ""
    metadata: Any = row.get("metadata")
    if isinstance(metadata, str) and metadata:
        with contextlib.suppress(ValueError, RecursionError):
            metadata = _read(metadata)
    said: Any = row.get("completion") if completion is None else completion
    return Request(
        row.get("verifier", ""),
        said,
        reference,
        metadata or {},
        question=_question(row, metadata),
        parsed=parsed,
    )


LONG = 4096  # characters of metadata that are read once for all answers to their row


def _read(metadata: str) -> Any:
    return _read_long(metadata) if len(metadata) > LONG else json.loads(metadata)


@lru_cache(maxsize=64)
def _read_long(metadata: str) -> Any:
    """The tests of a program, which nobody changes."""
    return json.loads(metadata)


def _question(row: Mapping[str, Any], metadata: Any) -> str:
    """The row's `question`, the last words of the user in its `prompt`, or its metadata's."""
    more = metadata.get("question") if isinstance(metadata, Mapping) else None
    for found in (row.get("question"), _last_said(row.get("prompt")), more):
        if isinstance(found, str) and found.strip():
            return found
    return ""


def _last_said(prompt: Any) -> str:
    """What the user said since the assistant's last turn; "" where messages cannot be read."""
    said: list[str] = []
    for message in reversed(prompt) if isinstance(prompt, list | tuple) else ():
        role = text = None
        if isinstance(message, Mapping):
            role, text = message.get("role"), message.get("content")
        if role != "user" or not isinstance(text, str):
            break
        said.append(text)
    return "\n".join(reversed(said))


#: What a verifier reads of a completion (stages/verifiers/answer.py).
ANSWER, RESPONSE = "answer", "response"


class Unreadable(Exception):
    """A reference or its metadata that the verifier cannot read: the verdict is None."""


RIGHT = Verdict(1.0, "right")
WRONG = Verdict(0.0, "wrong")
#: Of the strict policy: right, but not worked for.
COPIED = Verdict(0.0, "repeats its question")
UNDONE = Verdict(0.0, "not computed")
UNEARNED = (COPIED, UNDONE)
