"""Grids, as in ARC-AGI: the whole grid must be right, of one or of several test inputs.

reference: JSON, a grid of digits [[0, 7], [7, 0]], or a list of such grids for a task with several
test inputs. metadata:

    {"attempts": 2}      how many answers to one test input may be given (default)
    {"score": "all"}     default: right when the grid of every test input is right
    {"score": "mean"}    the part of the test inputs whose grid is right, as ARC Prize counts

stages/verifiers/grids.py says how grids are written. The response (all after the thought, or what
is in the answer tag) may hold other words, but no other grid: for one test input one to `attempts`
grids, right if any of them is; for several, one grid each in their order, or a JSON list with
{"attempt_1": grid, "attempt_2": grid} for each. More grids than that are wrong, whatever they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.verifiers.grids import Grid, NoGrid, grids_of, read_grids
from stages.verifiers.verdict import RESPONSE, RIGHT, WRONG, Unreadable, Verdict

READS = RESPONSE

MOST_ATTEMPTS = 10
SCORES = ("all", "mean")
LONGEST = 200_000  # letters; ten grids of ARC's largest size, indented, have some 100,000


@dataclass(frozen=True)
class Target:
    grids: Sequence[Grid]
    attempts: int
    mean: bool = False


def read(reference: str, metadata: Mapping[str, Any]) -> Target:
    """The right grids, one for each test input."""
    attempts = metadata.get("attempts", 2)
    if type(attempts) is not int or not 1 <= attempts <= MOST_ATTEMPTS:
        raise Unreadable(f"`attempts` must be 1 to {MOST_ATTEMPTS}, not {attempts!r:.80}")
    score = metadata.get("score", SCORES[0])
    if score not in SCORES:
        raise Unreadable(f"`score` is one of {', '.join(SCORES)}, not {score!r:.80}")
    try:
        grids = grids_of(json.loads(reference))
    except (ValueError, RecursionError) as problem:
        raise Unreadable(f"the reference is no JSON of grids: {problem!s:.80}") from None
    if not grids:
        raise Unreadable("the reference holds no grid")
    return Target(grids, attempts, score == "mean")


def judge(text: str, target: Target) -> Verdict:
    """Right when one of the attempts at every test input is its grid."""
    if len(text) > LONGEST:
        return Verdict(0.0, f"longer than {LONGEST} letters")
    try:
        attempts = _attempts(text, len(target.grids))
    except NoGrid as problem:
        return Verdict(0.0, f"no grid: {problem}")
    if not attempts:
        return Verdict(0.0, "no grid")
    if len(attempts) != len(target.grids):
        return Verdict(0.0, "not one answer for each test input")
    if any(len(tried) > target.attempts for tried in attempts):
        return Verdict(0.0, f"more than {target.attempts} attempts")
    right = [grid in tried for grid, tried in zip(target.grids, attempts, strict=True)]
    if all(right) or not any(right):
        return RIGHT if all(right) else WRONG
    part = f"{sum(right)} of {len(right)} test inputs"
    return Verdict(sum(right) / len(right) if target.mean else 0.0, part)


def _attempts(text: str, inputs: int) -> list[list[Grid]]:
    """The grids that are tried for each of the test inputs."""
    said = _submission(text)
    if said is not None:
        return [grids_of(one) for one in said]
    grids = read_grids(text)
    if inputs == 1:
        return [grids] if grids else []
    return [[grid] for grid in grids]


def _submission(text: str) -> list[dict[str, Any]] | None:
    """The objects of attempts, if the text or the one fenced block in it is them."""
    fenced = text.split("```")
    bare = (fenced[1].removeprefix("json") if len(fenced) == 3 else text).strip()
    if not bare.startswith(("{", "[")) or "{" not in bare[:100]:
        return None
    try:
        value = json.loads(bare)
    except (ValueError, RecursionError):
        return None
    said = [value] if isinstance(value, dict) else value
    return said if all(isinstance(one, dict) for one in said) else None
