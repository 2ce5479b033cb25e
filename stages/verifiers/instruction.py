"""Instructions whose following a program can check, in English and Chinese.

reference: not needed; an answer that follows them, for the self-check, where a row has one.
metadata, in one of two forms, with an optional "mode": "strict" (the default) or "loose":

    {"constraints": [{"type": …, …}, …]}                      types of instructions/own.py, or below
    {"instruction_id_list": [type, …], "kwargs": [{…}, …]}    a row of IFEval or IFBench, whose 58
                                                              kinds to test and 29 to train are
                                                              known; nulls are left out

A response is right when every constraint holds; the reason names those that do not. An empty
response follows none. Loose, as in IFEval: a constraint holds if it holds for the response, or for
it without its first line, its last line, or both, each with and without Markdown's asterisks (so
that "Sure, here it is:" costs nothing). Strict is for rewards.

The checks say how a text looks, never whether it is any good. `unearned` (instructions/effort.py)
refuses what only fills the form; whoever rewards content needs a judge of content beside them.

Against IFEval's own code, on two models' responses to its prompts, strict and loose, 54 of 3328
constraints are judged otherwise, and some more would be. Here the number of a list's item is no
sentence; a repeated prompt needs an answer after it, a quotation, a placeholder and a postscript
something inside; a bullet needs its space; of the fixed answers exactly one may be given; JSON is
an object or a list; "Summary:" begins with the word summary; the signs # and ! are counted (IFEval
counts a letter drawn at random); short English is English (IFEval's detector takes "YES" for
something else). Words, sentences and languages need no download.

Against IFBench's own code, on the 290 responses that it carries, strict, 269 rows are judged alike,
and 71 of its 77 right ones. The others: one line is no stair, a single sentence no chain of them,
quotations side by side are not nested; a trigram is one of words; text may follow the bullets of
no_bullets_bullets; bold text is no bullet; "d)." chooses d); and "Conceive" is a verb. Each kind
says in its module where it differs.

Five of IFEval's 541 rows cannot be followed strictly (1627, 3369, 3371, 3718, 374): they ask to
repeat a prompt that breaks another of their instructions. The self-check lists them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.verifiers.instructions import KINDS
from stages.verifiers.instructions import witness as witnesses
from stages.verifiers.instructions.constraint import Constraint, require
from stages.verifiers.instructions.effort import shortfall
from stages.verifiers.instructions.sentences import as_seen
from stages.verifiers.verdict import RESPONSE, RIGHT, Unreadable, Verdict

READS = RESPONSE
LONGEST = 200_000  # letters; half as many again as 32,768 tokens of English
TOO_LONG = Verdict(0.0, f"longer than {LONGEST} letters")
STRICT, LOOSE = "strict", "loose"


@dataclass(frozen=True)
class Target:
    constraints: Sequence[Constraint]
    mode: str = STRICT


def read(reference: str, metadata: Mapping[str, Any]) -> Target:
    """The constraints, each of a known type with its parameters."""
    mode = metadata.get("mode") or STRICT
    if mode not in (STRICT, LOOSE):
        raise Unreadable(f"`mode` must be {STRICT} or {LOOSE}, not {mode!r}")
    ifeval = metadata.get("instruction_id_list") is not None
    constraints = _ifeval_constraints(metadata) if ifeval else metadata.get("constraints")
    if not isinstance(constraints, list | tuple) or not constraints:
        raise Unreadable("`constraints` must be a list with at least one constraint")
    for constraint in constraints:
        _check_shape(constraint)
    return Target(tuple(constraints), mode)


def judge(response: str, target: Target) -> Verdict:
    """Right when every constraint holds; else the reason names those that do not."""
    if len(response) > LONGEST:
        return TOO_LONG
    held = results(response, target.constraints, target.mode)
    broken = [c["type"] for c, holds in zip(target.constraints, held, strict=True) if not holds]
    return Verdict(0.0, f"not followed: {', '.join(broken)}") if broken else RIGHT


def results(response: str, constraints: Sequence[Constraint], mode: str = STRICT) -> list[bool]:
    """Whether each constraint holds: IFEval's accuracy at the level of instructions."""
    texts = [as_seen(text) for text in (_variants(response) if mode == LOOSE else [response])]
    texts = [text for text in dict.fromkeys(texts) if text]
    return [any(_holds(text, constraint) for text in texts) for constraint in constraints]


def _holds(text: str, constraint: Constraint) -> bool:
    kind = KINDS[constraint["type"]]
    return kind.check(text if kind.indented else text.lstrip(), constraint)


def unearned(
    text: str, reference: str, metadata: Mapping[str, Any], question: str
) -> Verdict | None:
    """Why a right response was not worked for: it repeats its prompt, or fills the form."""
    constraints = read(reference, metadata).constraints
    if any(KINDS[c["type"]].fixed for c in constraints):
        return None
    return shortfall(as_seen(text), constraints, question, answered=bool(reference.strip()))


def witness(reference: str, metadata: Mapping[str, Any]) -> str | None:
    """For a row without reference: a response that follows it, where one can be constructed."""
    if reference.strip():
        return None
    constraints = read("", metadata).constraints
    return next(
        (text for text in witnesses.candidates(constraints) if all(results(text, constraints))),
        None,
    )


def _variants(response: str) -> list[str]:
    lines = response.split("\n")
    texts = [response, *("\n".join(part) for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*texts, *(text.replace("*", "") for text in texts)]


def _ifeval_constraints(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    types, kwargs = metadata["instruction_id_list"], metadata.get("kwargs")
    if (
        not isinstance(types, list | tuple)
        or not isinstance(kwargs, list | tuple)
        or len(types) != len(kwargs)
        or not all(arguments is None or isinstance(arguments, Mapping) for arguments in kwargs)
    ):
        raise Unreadable("`instruction_id_list` and `kwargs` must be lists of one length")
    return [
        {key: _whole(value) for key, value in (arguments or {}).items() if value is not None}
        | {"type": name}
        for name, arguments in zip(types, kwargs, strict=True)
    ]


def _whole(value: Any) -> Any:
    """3 for 3.0: a table with empty cells holds its numbers as fractions."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check_shape(constraint: Any) -> None:
    if not isinstance(constraint, Mapping) or "type" not in constraint:
        raise Unreadable("a constraint must be an object with a `type`")
    name = constraint["type"]
    if not isinstance(name, str) or name not in KINDS:
        raise Unreadable(f"unknown constraint type {name!r}")
    require(constraint, KINDS[name])
    if name == "word_count" and not {"min", "max"} & set(constraint):
        raise Unreadable("constraint word_count needs `min` or `max` as number")
