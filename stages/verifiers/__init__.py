"""Rule-based verifiers: who can judge an answer, by name.

A verifier is a module with two functions:

    read(reference, metadata) -> Target        raises Unreadable: no verdict can be given
    judge(answer, target) -> Verdict           the answer as `stages.verifiers.answer` found it

and, where that is not cheap and harmless in the caller's process, a third:

    quick(completion, reference, metadata) -> Verdict | None    None: only a worker can say

Modules are imported when first used: a row of multiple choice never loads sympy.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

#: The verifiers by the name that a problem's `verifier` column uses.
VERIFIERS = {
    "math": "stages.verifiers.maths",
    "choice": "stages.verifiers.choice",
    "code": "stages.verifiers.code",
    "logic": "stages.verifiers.logic",
    "text": "stages.verifiers.text",
    "instruction": "stages.verifiers.instruction",
}


def load(name: str) -> ModuleType:
    """The module of a verifier; KeyError when there is none of that name."""
    return import_module(VERIFIERS[name])
