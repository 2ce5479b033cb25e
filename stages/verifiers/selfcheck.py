"""Every verifier proves itself: the reference answer must score 1 before RL starts."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import RecipeError
from stages import verifiers
from stages.chat.template import tagged
from stages.verifiers.answer import TAG, Policy
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import UNEARNED, Request, Verdict, request_of

UNREFUTED = "its tests take the answer for right that must be wrong"
SHOWN = 20  # offending rows that the message lists


@dataclass(frozen=True)
class Failure:
    """A row whose own reference does not score 1."""

    id: str
    verifier: str
    reference: str
    score: float | None
    reason: str


def check_references(rows: Sequence[Mapping[str, Any]], pool: VerifierPool) -> list[Failure]:
    """The rows whose reference, given as a well-formed answer, does not score 1.

    A row that has no answer to give, such as a program's tests alone, only has to be readable; a
    constructed answer need not be worked for. What a row says must be wrong must not score 1. A
    general query that names no verifier is left to reward models.
    """
    rows = [row for row in rows if row["verifier"] or row["domain"] != "general"]
    answers = [right_answer(request_of(row, "")) for row in rows]
    requests = [
        proof(request_of(row, ""), answer, pool.policy)
        for row, answer in zip(rows, answers, strict=True)
    ]
    return [
        Failure(row["id"], row["verifier"], row["reference"], verdict.score, verdict.reason)
        for row, answer, verdict in zip(rows, answers, pool.verify(requests), strict=True)
        if _fails(row, answer, verdict)
    ] + _unrefuted(rows, pool)


def _unrefuted(rows: Sequence[Mapping[str, Any]], pool: VerifierPool) -> list[Failure]:
    """The rows whose tests take for right what the row says is wrong, however little it is work."""
    held = [
        (row, request, wrong)
        for row in rows
        if (wrong := wrong_answer(request := request_of(row, "")))
    ]
    with pool.comparing():
        verdicts = pool.verify(proof(asked, wrong, pool.policy) for _, asked, wrong in held)
    return [
        Failure(row["id"], row["verifier"], row["reference"], verdict.score, UNREFUTED)
        for (row, _, _), verdict in zip(held, verdicts, strict=True)
        if verdict.score == 1.0
    ]


def wrong_answer(request: Request) -> str:
    """What must not score 1; "" where the row holds no such thing, or cannot be read."""
    with contextlib.suppress(Exception):
        return str(verifiers.load(request.verifier).refuted(request.metadata))
    return ""


def _fails(row: Mapping[str, Any], answer: str, verdict: Verdict) -> bool:
    if not answer:
        return verdict.score is None
    constructed = answer != row["reference"]
    return verdict.score != 1.0 and not (constructed and verdict in UNEARNED)


def right_answer(request: Request) -> str:
    """What must score 1: the reference, or what the verifier can construct in its place.

    It does so where a reference is no answer (a target number) or there is none (constraints).
    """
    with contextlib.suppress(Exception):  # an unknown verifier or bad metadata: the verdict says so
        witness = verifiers.load(request.verifier).witness(request.reference, request.metadata)
        if witness is not None:
            return str(witness)
    return request.reference


def proof(request: Request, answer: str, policy: Policy) -> Request:
    """The same row with an answer as a completion, in a form that the policy reads."""
    form = answer if TAG in policy.forms else f"\\boxed{{{answer}}}"
    completion = tagged("The reference.", form)
    return dataclasses.replace(request, completion=completion)


def require_references(rows: Sequence[Mapping[str, Any]], pool: VerifierPool, where: str) -> None:
    """Stop with the offending rows listed; `where` names the stage or data set."""
    failures = check_references(rows, pool)
    if not failures:
        return
    lines = [
        f"  {f.id}  verifier={f.verifier}  reference={_short(f.reference)}  "
        f"score={f.score}  {f.reason}"
        for f in failures[:SHOWN]
    ]
    if len(failures) > SHOWN:
        lines.append(f"  … and {len(failures) - SHOWN} more")
    raise RecipeError(
        f"{where}: {len(failures)} of {len(rows)} reference answers do not score 1 through their "
        "own verifier, so no reward on these rows could be trusted:\n"
        + "\n".join(lines)
        + "\nmend these rows or their verifier, or leave them out"
    )


def _short(text: str | None) -> str:
    text = repr(text)
    return text if len(text) <= 60 else text[:57] + "…"
