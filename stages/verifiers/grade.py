"""One request to one verdict, in whatever process this is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pipeline.errors import RecipeError
from stages import verifiers
from stages.verifiers.answer import DIFFERENT, Parsed, Policy, parse
from stages.verifiers.verdict import RESPONSE, Request, Unreadable, Verdict


@dataclass(frozen=True)
class Case:
    """What is left to judge once the policy has found the text that counts.

    texts: spellings of what must be one answer. question, strict: for `earned`, which asks no
    worker.
    """

    verifier: str
    texts: Sequence[str]
    reference: str
    metadata: Mapping[str, Any]
    question: str = ""
    strict: bool = False


def settle(request: Request, policy: Policy) -> Verdict | Case:
    """Judge where it is cheap and harmless to do so in this process; else what a worker must."""
    if fault := malformed(request):
        return Verdict(None, fault)
    module = verifiers.load(request.verifier)
    parsed = request.parsed or parse(request.completion, policy)
    texts = _counting(module, parsed)
    if not texts:
        return _unanswered(module, request, parsed.reason)
    case = Case(
        *(request.verifier, texts, request.reference, request.metadata),
        *(request.question, policy.strict),
    )
    if not hasattr(module, "quick"):
        return earned(case, _grade_here(case))
    try:
        found = [module.quick(text, request.reference, request.metadata) for text in texts]
    except Unreadable as problem:
        return unreadable(problem)
    except Exception:  # let a worker find out whose fault it is
        return case
    verdict = _one(found)
    return case if verdict is None else earned(case, verdict)


def _grade_here(case: Case) -> Verdict:
    try:
        return grade(case)
    except MemoryError:
        return Verdict(0.0, "judge failed: MemoryError")


def _one(verdicts: Sequence[Verdict | None]) -> Verdict | None:
    """The verdict on an answer by those on its spellings, which must all be right; None: open."""
    if len(verdicts) == 1:
        return verdicts[0]
    wrong = [verdict for verdict in verdicts if verdict and verdict.score != 1.0]
    if wrong:
        return next((v for v in wrong if v.score is None), Verdict(0.0, DIFFERENT))
    return None if None in verdicts else verdicts[-1]


def earned(case: Case, verdict: Verdict) -> Verdict:
    """The verdict; under the strict policy a right answer must also have been worked for.

    One spelling that was is enough, and whatever goes wrong in looking costs the answer nothing.
    """
    unearned = getattr(verifiers.load(case.verifier), "unearned", None)
    if not case.strict or not verdict.score or unearned is None:
        return verdict
    try:
        for text in case.texts:
            why: Verdict | None = unearned(text, case.reference, case.metadata, case.question)
            if why is None:
                return verdict
    except Exception:
        return verdict
    return why or verdict


def counts_whole(verifier: str | None) -> bool:
    """Whether a verifier reads the whole response: a program, a text, a grid."""
    return verifier in verifiers.VERIFIERS and verifiers.load(verifier).READS == RESPONSE


def counted(verifier: str, parsed: Parsed, right: bool = False) -> str | None:
    """What of a completion counts: its final answer, or its whole response.

    Of several spellings it is the last one, once they were judged `right` and so are one answer.
    """
    if verifier not in verifiers.VERIFIERS:
        return parsed.answer
    texts = _counting(verifiers.load(verifier), parsed)
    return texts[-1] if len(texts) == 1 or (right and texts) else None


def _counting(module: ModuleType, parsed: Parsed) -> tuple[str, ...]:
    if module.READS == RESPONSE:
        return () if parsed.response is None else (parsed.response,)
    return parsed.answers or (parsed.lines if getattr(module, "LINES", False) else ())


def grade(case: Case) -> Verdict:
    """Judge fully; may be slow or dangerous for some verifiers, which is what workers are for.

    A reference that breaks its reader is unreadable; an answer that breaks its judge is wrong.
    MemoryError: there was not enough for the judge, be it for this answer or for those before it.
    """
    module = verifiers.load(case.verifier)
    try:
        target = module.read(case.reference, case.metadata)
    except RecipeError:
        raise
    except Exception as problem:
        return unreadable(problem)
    try:
        verdict = _one([module.judge(text, target) for text in case.texts])
    except (RecipeError, MemoryError):
        raise
    except Exception as problem:
        return Verdict(0.0, f"judge failed: {type(problem).__name__}")
    assert verdict is not None
    return verdict


def malformed(request: Request) -> str:
    """What is wrong with the request itself, or nothing."""
    if request.fault:
        return request.fault
    if not request.verifier:
        return "no verifier is named"
    if not isinstance(request.verifier, str) or request.verifier not in verifiers.VERIFIERS:
        return f"unknown verifier {request.verifier!r}; there are {', '.join(verifiers.VERIFIERS)}"
    for name in ("completion", "reference"):
        value = getattr(request, name)
        if value is None:
            return f"no {name}"
        if not isinstance(value, str):
            return f"{name} is not text but {type(value).__name__}"
    if not isinstance(request.metadata, Mapping):
        return f"metadata is not an object but {type(request.metadata).__name__}"
    return ""


def unreadable(problem: Exception) -> Verdict:
    """The verdict on a row whose reference cannot be read."""
    why = str(problem) if isinstance(problem, Unreadable) else type(problem).__name__
    return Verdict(None, f"unreadable reference: {why}")


def _unanswered(module: ModuleType, request: Request, reason: str) -> Verdict:
    """No answer is wrong, but on a row that nobody could judge it is not even that."""
    try:
        if hasattr(module, "quick"):
            module.quick("", request.reference, request.metadata)
        else:
            module.read(request.reference, request.metadata)
    except Exception as problem:
        return unreadable(problem)
    return Verdict(0.0, reason)
