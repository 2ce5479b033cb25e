"""One request to one verdict, in whatever process this is called."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.errors import RecipeError
from stages import verifiers
from stages.verifiers.answer import parse
from stages.verifiers.verdict import Request, Unreadable, Verdict


def grade(request: Request) -> Verdict:
    """Judge fully; may be slow or dangerous for some verifiers, which is what workers are for.

    A reference that breaks its reader is unreadable; an answer that breaks its judge is wrong.
    """
    module = verifiers.load(request.verifier)
    try:
        target = module.read(request.reference, request.metadata)
    except RecipeError:
        raise
    except Exception as problem:
        return unreadable(problem)
    parsed = parse(request.completion)
    if parsed.answer is None:
        return Verdict(0.0, parsed.reason)
    try:
        verdict: Verdict = module.judge(parsed.answer, target)
    except RecipeError:
        raise
    except Exception as problem:
        return Verdict(0.0, f"judge failed: {type(problem).__name__}")
    return verdict


def settle(request: Request) -> Verdict | None:
    """Judge where it is cheap and harmless to do so in this process; None: a worker must."""
    if fault := malformed(request):
        return Verdict(None, fault)
    module = verifiers.load(request.verifier)
    if not hasattr(module, "quick"):
        return grade(request)
    try:
        verdict: Verdict | None = module.quick(
            request.completion, request.reference, request.metadata
        )
    except Unreadable as problem:
        return unreadable(problem)
    except Exception:  # let a worker find out whose fault it is
        return None
    return verdict


def malformed(request: Request) -> str:
    """What is wrong with the request itself, or nothing."""
    if request.verifier not in verifiers.VERIFIERS:
        return f"unknown verifier {request.verifier!r}"
    if not isinstance(request.completion, str) or not isinstance(request.reference, str):
        return "completion or reference is not text"
    if not isinstance(request.metadata, Mapping):
        return "metadata is not an object"
    return ""


def unreadable(problem: Exception) -> Verdict:
    """The verdict on a row whose reference cannot be read."""
    why = str(problem) if isinstance(problem, Unreadable) else type(problem).__name__
    return Verdict(None, f"unreadable reference: {why}")
