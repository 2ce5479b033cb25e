"""Rule-based verifiers: who can judge an answer, by name.

A verifier is a module with

    READS                                  ANSWER, the one final answer, or RESPONSE, all that
                                           stands after the thought (stages/verifiers/answer.py)
    LINES = True                           where a line "Answer: …" is the answer, too
    OPEN = True                            where right answers may differ, so that no answer can
                                           be compared to vote (stages/scoring/votes.py)
    read(reference, metadata) -> Target    raises Unreadable: no verdict can be given
    judge(text, target) -> Verdict

and, where judging is not cheap and harmless in the caller's process,

    quick(text, reference, metadata) -> Verdict | None      None: only a worker can say

and, where such a worker must first start something slow, for which no answer should pay,

    prepare(metadata) -> float | None       the wall clock that judging may then take, where that
                                           is not the pool's `seconds`

and, for the strict policy (docs/verifiers.md), which asks in the caller's process whether a right
answer was worked for,

    unearned(text, reference, metadata, question) -> Verdict | None     COPIED, UNDONE or None

Where the reference is no answer (a target number, constraints), a verifier can construct a right
one, which proves that the row can be judged (stages/verifiers/selfcheck.py):

    witness(reference, metadata) -> str | None              None: it knows none

A row may also hold an answer that must not be right, or its tests tell nothing:

    refuted(metadata) -> str                                "": it holds none

Modules are imported when first used: a row of multiple choice never loads python-flint.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

#: The verifiers by the name that a problem's `verifier` column uses.
VERIFIERS = {
    "choice": "stages.verifiers.choice",
    "code": "stages.verifiers.code",
    "countdown": "stages.verifiers.countdown",
    "generative": "stages.verifiers.generative",
    "grid": "stages.verifiers.grid",
    "instruction": "stages.verifiers.instruction",
    "logic": "stages.verifiers.logic",
    "math": "stages.verifiers.maths",
    "order": "stages.verifiers.order",
    "reasoning_gym": "stages.verifiers.gym",
    "text": "stages.verifiers.text",
}


def load(name: str) -> ModuleType:
    """The module of a verifier; KeyError when there is none of that name."""
    return import_module(VERIFIERS[name])
