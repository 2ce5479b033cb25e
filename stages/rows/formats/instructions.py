"""Instructions whose following a program can check: the prompt as it stands, no reference.

    IFEval  {"key": 1000, "prompt": "Write a 300+ word summary… Do not use any commas…",
             "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
             "kwargs": [{}, {"relation": "at least", "num_words": 300}]}
    IF_multi_constraints (IFBench's training data)
            {"key": "…", "messages": [{"role": "user", "content": "…"}], "ground_truth":
             "[{'instruction_id': ['last_word:last_word_answer'], 'kwargs': [{…}]}]"}

On the hub every object of `kwargs` has all names of all instructions, most of them null. A
`ground_truth` is a literal of Python, read as one and never run. Of training rows (`constraints`),
those with a kind or an argument that the verifier lacks are left out and counted.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from stages.chat.messages import REQUEST, as_asked, messages_of
from stages.rows.files import BadRow, BrokenRow, Raw, UnfitRow
from stages.rows.formats.columns import list_of, problem, text_of
from stages.rows.schemas import Row
from stages.rows.sources import Origin
from stages.verifiers import instruction
from stages.verifiers.verdict import Unreadable

GROUND_TRUTH = "ground_truth"
LONGEST = 100_000  # characters of a literal that is read
_ONE_WORD = ("first_word", "last_word")


def ifeval(row: Raw, origin: Origin) -> Row:
    facts = _facts(row) | {"key": row.get("key")}
    return problem("general", text_of(row, "prompt"), "instruction", "", **facts)


def constraints(row: Raw, origin: Origin) -> Row:
    """A row to train on, of any of these shapes; the prompt may have turns before it."""
    facts = _constraints_of(row)
    refuse_unknown(facts)
    named = next((name for name in ("messages", "prompt", REQUEST) if row.get(name)), "prompt")
    if named == REQUEST:
        row, named = as_asked(row), "prompt"
    try:
        prompt = messages_of(row, named)
    except BadRow as error:
        raise BrokenRow(str(error)) from error
    made = problem("general", "", "instruction", "", **facts)
    return made | {"prompt": prompt, "source": origin.source}


def _constraints_of(row: Raw) -> dict[str, Any]:
    """Kinds and arguments; where only one row's are none, it says nothing about the others."""
    try:
        return _literal(row[GROUND_TRUTH]) if GROUND_TRUTH in row else _facts(row)
    except BadRow as error:
        there = GROUND_TRUTH in row or {"instruction_id_list", "kwargs"} <= set(row)
        raise BrokenRow(str(error)) if there else error from error


def refuse_unknown(facts: Mapping[str, Any]) -> None:
    """Raise for a kind of constraint, or an argument, that the verifier does not know."""
    try:
        instruction.read("", facts)
    except Unreadable as error:
        raise UnfitRow(str(error)) from error


def _facts(row: Raw) -> dict[str, Any]:
    types, kwargs = list_of(row, "instruction_id_list"), list_of(row, "kwargs")
    if len(types) != len(kwargs):
        raise BadRow(f"{len(types)} instructions with {len(kwargs)} `kwargs`")
    given = [{k: v for k, v in (one or {}).items() if v is not None} for one in kwargs]
    return {"instruction_id_list": types, "kwargs": given}


def _literal(value: Any) -> dict[str, Any]:
    """The constraints of a `ground_truth`: of one object, or of several one after another."""
    found = value
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise BrokenRow(f"column `{GROUND_TRUTH}` has {len(value)} characters")
        try:
            found = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise BrokenRow(
                f"column `{GROUND_TRUTH}` is {value!r:.80}, expected a list of objects as a "
                f"literal of Python ({error})"
            ) from error
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise BrokenRow(f"column `{GROUND_TRUTH}` is {value!r:.80}, expected a list of objects")
    types: list[Any] = []
    kwargs: list[dict[str, Any]] = []
    for one in found:
        facts = _facts({"instruction_id_list": one.get("instruction_id"), **one})
        types += facts["instruction_id_list"]
        kwargs += [{name: _single(name, v) for name, v in of.items()} for of in facts["kwargs"]]
    return {"instruction_id_list": types, "kwargs": kwargs}


def _single(name: str, value: Any) -> Any:
    """A word that upstream draws as a list of one; keywords stay a list."""
    one_word = name in _ONE_WORD and isinstance(value, list) and len(value) == 1
    return value[0] if one_word else value
