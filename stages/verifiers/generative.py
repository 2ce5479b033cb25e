"""Open answers: no rule can judge them, and this one says so.

reference: a right answer in words. A model on the `judge_with` of a stage that samples judges such
rows by their reference (stages/judging/answer_judge.py, docs/generative_judge.md). For everybody
else their answers have no verdict: an evaluation counts them as `cannot_judge`, and RL refuses the
rows, since no reference scores 1. No answer at all is wrong by rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.verifiers.verdict import RESPONSE, Unreadable, Verdict

READS = RESPONSE

NO_RULE = Verdict(None, "no rule: only a model on judge_with can judge it")


def read(reference: str, metadata: Mapping[str, Any]) -> str:
    """The reference, which there must be."""
    if not reference.strip():
        raise Unreadable("it is empty, and a judge needs one")
    return reference


def judge(response: str, target: str) -> Verdict:
    """No verdict, unless nothing was said."""
    return NO_RULE if response.strip() else Verdict(0.0, "empty answer")
