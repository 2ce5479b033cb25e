"""Puzzles: BIG-Bench Hard, knights and knaves, Game of 24, Countdown, ARC-AGI.

    BBH        {"input": "Sort the following words alphabetically: List: syndrome therefrom",
                "target": "syndrome therefrom"}; the task is the name of the file or configuration
    knights    {"quiz": "A very special island…", "names": ["Amelia", "Penelope", "Evelyn"],
                "solution_text_format": "(1) Amelia is a knight\\n(2) …", "statements": "(('not',
                ('telling-truth', 2)), …)", …}
    24         Rank,Puzzles,AMT (s),… / 1,1 1 4 6,4.4,…
    Countdown  {"target": 98, "nums": [44, 19, 35]}
    ARC        {"train": [{"input": [[0, 7], [7, 0]], "output": [[7, 0], [0, 7]]}, …],
                "test": [{"input": …, "output": …}]}; the task is the file's name or `id`

Questions of the first two are used as they stand. The other three have none: the words around
their numbers and grids are ours.
"""

from __future__ import annotations

import json
from typing import Any

from stages.rows.files import BadRow, Raw
from stages.rows.formats.columns import answer_of, list_of, problem, text_of
from stages.rows.schemas import Row
from stages.rows.sources import Origin
from stages.verifiers.bbh import metadata_of, verifier_of

Grid = list[list[int]]


def bbh(row: Raw, origin: Origin) -> Row:
    task = str(row.get("task") or origin.part)
    if not task:
        raise BadRow("no task: name the configuration (subset), or the file after the task")
    question, verifier = text_of(row, "input"), verifier_of(task)
    domain = "math" if verifier == "math" else "logic"
    facts = metadata_of(task, question) | {"task": task}
    return problem(domain, question, verifier, answer_of(row, "target"), **facts)


def knights_knaves(row: Raw, origin: Origin) -> Row:
    facts = {"names": list_of(row, "names"), "statements": text_of(row, "statements")}
    reference = answer_of(row, "solution_text_format")
    return problem("logic", text_of(row, "quiz"), "logic", reference, **facts)


def game24(row: Raw, origin: Origin) -> Row:
    return _expression(text_of(row, "Puzzles").split(), 24)


def countdown(row: Raw, origin: Origin) -> Row:
    return _expression(list_of(row, "nums", "numbers"), row.get("target"))


def _expression(numbers: list[Any], target: Any) -> Row:
    """Each number exactly once, as in Game of 24 and TinyZero's Countdown."""
    try:
        wanted, given = int(target), [int(number) for number in numbers]
    except (TypeError, ValueError):
        raise BadRow(f"{numbers!r} and {target!r}, expected whole numbers") from None
    shown = ", ".join(map(str, given))
    question = (
        f"Use each of the numbers {shown} exactly once, with +, -, *, / and parentheses, "
        f"to write an expression whose value is {wanted}."
    )
    return problem("math", question, "countdown", str(wanted), numbers=given)


def arc(row: Raw, origin: Origin) -> Row:
    """A task with all its test inputs; a single answer is a grid, several are a list of grids."""
    shown = [_pair(pair, place) for place, pair in enumerate(list_of(row, "train"), start=1)]
    tests = [dict(pair) for pair in list_of(row, "test")]
    asked = [f"Test input{_numbered(n, tests)}:\n{_grid(t)}" for n, t in enumerate(tests, 1)]
    wanted = (
        "Give the output grid of the test input"
        if len(tests) == 1
        else f"Give the output grids of the {len(tests)} test inputs, in their order"
    )
    question = (
        "One rule turns each input grid into its output grid. The digits stand for colours.\n\n"
        + "\n\n".join([*shown, *asked])
        + f"\n\n{wanted}, as JSON like the grids above."
    )
    answers = [pair.get("output") for pair in tests]
    task = row.get("id") or origin.part
    grids = answers[0] if len(answers) == 1 else answers
    reference = json.dumps(grids) if all(answers) else None
    return problem("logic", question, "grid", reference, task=task)


def _pair(pair: Raw, place: int) -> str:
    return f"Example {place}\ninput:\n{_grid(pair)}\noutput:\n{_grid(pair, 'output')}"


def _grid(pair: Raw, side: str = "input") -> str:
    """A JSON list with a line for each row of the grid."""
    grid = pair.get(side)
    if not isinstance(grid, list) or not all(isinstance(line, list) for line in grid):
        raise BadRow(f"`{side}` of a pair is {grid!r:.80}, expected a grid")
    return "[" + ",\n ".join(json.dumps(line) for line in grid) + "]"


def _numbered(number: int, tests: list[Any]) -> str:
    return f" {number}" if len(tests) > 1 else ""
