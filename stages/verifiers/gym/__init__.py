"""reasoning-gym's procedural tasks by name (Apache-2.0; `pip install 'r1-recipe[gym]'`).

    reference   the task's own answer
    metadata    {"task": "chain_sum", "entry": {"question": …, "answer": …, "metadata": {…}}}: the
                generated entry as plain JSON; and perhaps "config", where the entry was not
                generated with the task's default configuration, and "threshold"

The library scores from 0 to 1 and pays for nearness: a substring, a grid half right, a path that
is too long. Here an answer is right when its score reaches the threshold (default 1) and wrong
below it. Two things are not taken from the library as they are:

*Rules of our own* (rules.py). Where a full score means "the same text, number, list or JSON as the
task's own answer", that is asked in the caller's process: exact, unforgeable, microseconds. It
also replaces scorers that pay a full score for wrong answers: tasks.py lists these. `threshold` is
for the scorers; a rule says right or wrong.

*The task's scorer*, for the tasks with more than one right answer (a path, a mapping, a primitive),
runs in the jail (jail/gym_scorer.py). Its score is made in the process that holds the answer, so
the answer must never be run as code. Two walls, of which either is enough: an answer reaches a
scorer only if it consists, whole, of what honest answers to that task consist of (`FORMS` in
tasks.py: no name but a known function, no attribute, no string, no bracket); and in the scorer's
process compiling raises, except for the few tasks that `COMPILES` names, whose forms were made for
that. What a scorer does with text that is only data can still loop or eat memory; the jail ends
that.

Limits: the entry is trusted, as tests and references are. A right answer that is spelt unlike the
task asked for ("the sum is 7" for "7") is wrong. `UNFIT` lists the tasks that are not offered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from stages.verifiers import sandbox
from stages.verifiers.exchange import patience
from stages.verifiers.gym.rules import RULES
from stages.verifiers.gym.tasks import COMPILES, FORMS, RULED, UNFIT
from stages.verifiers.verdict import ANSWER, RIGHT, WRONG, Unreadable, Verdict

READS = ANSWER
OPEN = True
PACKAGE = "reasoning-gym"
LONGEST = 20_000  # letters that a scorer is given; the longest own answer of any task has 5,000
MALFORMED = Verdict(0.0, "not the form that the task asks for")

_PROGRAM = "from gym_scorer import prepare, score"
_EXPRESSIONS = ("prepare(task, config, compiles)", "score(task, answer, entry)")
_SCORER = Path(__file__).parent / "jail" / "gym_scorer.py"


@dataclass(frozen=True)
class Target:
    task: str
    reference: str
    entry: Mapping[str, Any]
    config: Mapping[str, Any]
    threshold: float


def prepare(metadata: Mapping[str, Any]) -> float:
    """Start this process's jail; importing reasoning-gym there takes a second or more."""
    _jail()
    return 2 * patience(sandbox.limit())  # the scorer has the one, its judge here the other


def _jail() -> sandbox.Sandbox:
    return sandbox.shared(PACKAGE, modules=(_SCORER,))


def read(reference: str, metadata: Mapping[str, Any]) -> Target:
    """The task's entry; its own answer must be the reference and have the form of an answer."""
    task, entry = metadata.get("task"), metadata.get("entry")
    if task in UNFIT:
        raise Unreadable(f"task {task!r} {UNFIT[task]}")
    if task not in RULED and task not in FORMS:
        raise Unreadable(f"reasoning-gym has no task {task!r}")
    if not isinstance(entry, Mapping) or not isinstance(entry.get("metadata"), Mapping):
        raise Unreadable("`entry` must be the generated entry, with `answer` and `metadata`")
    if entry.get("answer") is not None and str(entry["answer"]).strip() != reference.strip():
        raise Unreadable("the reference is not the entry's own answer")
    config, threshold = metadata.get("config") or {}, metadata.get("threshold", 1.0)
    if not isinstance(config, Mapping):
        raise Unreadable("`config` must be the task's configuration")
    if not isinstance(threshold, int | float) or not 0 < threshold <= 1:
        raise Unreadable(f"`threshold` must be above 0 and at most 1, not {threshold!r}")
    if not reference.strip() or (task in FORMS and not _honest(reference, task, entry)):
        raise Unreadable(f"the entry's own answer is none to {task!r}")
    return Target(str(task), reference, entry, config, float(threshold))


def quick(text: str, reference: str, metadata: Mapping[str, Any]) -> Verdict | None:
    """All but what a scorer must be asked about."""
    target = read(reference, metadata)
    if target.task in FORMS and _honest(text, target.task, target.entry):
        return None
    return judge(text, target)


def judge(text: str, target: Target) -> Verdict:
    """By the task's rule here, or by its scorer in the jail."""
    if target.task in RULED:
        rule = RULES[RULED[target.task]]
        return RIGHT if rule(text, target.reference, target.entry["metadata"]) else WRONG
    if not _honest(text, target.task, target.entry):
        return MALFORMED
    return _score(text, target)


def _honest(text: str, task: str, entry: Mapping[str, Any]) -> bool:
    """Whether the whole text is what answers to the task consist of."""
    if len(text) > LONGEST:
        return False
    variable = entry["metadata"].get("variable") or (entry["metadata"].get("variables") or [""])[0]
    return _form(task, str(variable)).fullmatch(text.strip()) is not None


@lru_cache(maxsize=256)
def _form(task: str, variable: str) -> re.Pattern[str]:
    return re.compile(FORMS[task].replace("VARIABLE", re.escape(variable) or "(?!)"), re.DOTALL)


def _score(text: str, target: Target) -> Verdict:
    values = {
        "task": target.task,
        "answer": text.strip(),
        "entry": dict(target.entry),
        "config": dict(target.config),
        "compiles": target.task in COMPILES,
    }
    outcome = _jail().run(_PROGRAM, _EXPRESSIONS, values, sandbox.limit())
    if not outcome.values and outcome.problem.startswith("raised"):
        return Verdict(None, f"the scorer of {target.task} cannot be built: {outcome.problem}")
    if outcome.problem:
        return Verdict(0.0, f"scorer: {outcome.problem}")
    score = outcome.values[1]
    if isinstance(score, float) and score >= target.threshold:
        return RIGHT
    return WRONG if score == 0 else Verdict(0.0, "scored below the threshold")
