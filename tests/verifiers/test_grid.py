"""Grids of real ARC tasks in the ways that they are written, with one and two attempts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request, Verdict

Judge = Callable[..., Verdict]
Grid = list[list[int]]

FILE = Path(__file__).parent.parent / "data/arc_agi_1/tasks.json"
TASKS = {
    name: [case["output"] for case in task["test"]]
    for name, task in json.loads(FILE.read_text()).items()
}
SINGLE = {name: grids[0] for name, grids in TASKS.items() if len(grids) == 1}
DOUBLE = {name: grids for name, grids in TASKS.items() if len(grids) == 2}


def _rows(separator: str) -> Callable[[Grid], str]:
    return lambda grid: "\n".join(separator.join(map(str, row)) for row in grid)


def _matrix(grid: Grid) -> str:
    rows = " \\\\ ".join(" & ".join(map(str, row)) for row in grid)
    return f"$$\\begin{{bmatrix}} {rows} \\end{{bmatrix}}$$"


def _table(grid: Grid) -> str:
    head = "|" + "   |" * len(grid[0]) + "\n|" + "---|" * len(grid[0]) + "\n"
    return head + "\n".join("| " + " | ".join(map(str, row)) + " |" for row in grid)


RENDERINGS: dict[str, Callable[[Grid], str]] = {
    "json": json.dumps,
    "indented json": lambda grid: json.dumps(grid, indent=2),
    "json rows": lambda grid: "\n".join(json.dumps(row) for row in grid),
    "python tuples": lambda grid: str([tuple(row) for row in grid]),
    "numpy": lambda grid: f"np.array({grid})",
    "boxed": lambda grid: f"\\boxed{{{grid}}}",
    "spaces": _rows(" "),
    "digits": _rows(""),
    "commas": _rows(", "),
    "bars": _rows("|"),
    "fenced": lambda grid: f"The output is:\n\n```\n{_rows(' ')(grid)}\n```\nIt follows the rule.",
    "fenced json": lambda grid: f"Answer:\n```json\n{json.dumps(grid)}\n```",
    "table": _table,
    "matrix": _matrix,
    "boxed matrix": lambda grid: f"\\boxed{{{_matrix(grid)}}}",
    "fullwidth": lambda grid: _rows("，")(grid),
}


def changed(grid: Grid) -> Grid:
    """The grid with its last cell another colour."""
    return [*grid[:-1], [*grid[-1][:-1], (grid[-1][-1] + 1) % 10]]


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("rendering", RENDERINGS)
def test_a_grid_is_read_in_every_rendering_and_one_cell_makes_it_wrong(
    judge: Judge, name: str, rendering: str
) -> None:
    write, grid = RENDERINGS[rendering], SINGLE[name]
    reference, wrong = json.dumps(grid), changed(grid)
    assert judge("grid", write(grid), reference).score == 1.0
    assert judge("grid", write(wrong), reference).score == 0.0
    assert judge("grid", write(grid[:-1]), reference).score == 0.0
    assert judge("grid", write([[*row, 0] for row in grid]), reference).score == 0.0


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_one_of_two_attempts_may_be_right_and_a_third_makes_all_wrong(
    judge: Judge, rendering: str
) -> None:
    write, grid = RENDERINGS[rendering], SINGLE["d0f5fe59"]
    reference, wrong = json.dumps(grid), changed(grid)

    def score(*grids: Grid, attempts: int = 2) -> float | None:
        text = "\n\n".join(f"Attempt {n}:\n{write(one)}" for n, one in enumerate(grids, 1))
        return judge("grid", text, reference, attempts=attempts).score

    assert score(grid, wrong) == score(wrong, grid) == 1.0
    assert score(wrong, wrong) == 0.0
    assert score(wrong, grid, wrong) == 0.0
    assert score(wrong, grid, attempts=1) == 0.0


@pytest.mark.parametrize("name", DOUBLE)
@pytest.mark.parametrize("rendering", RENDERINGS)
def test_every_test_input_must_be_right_in_order(judge: Judge, name: str, rendering: str) -> None:
    write, (one, two) = RENDERINGS[rendering], DOUBLE[name]
    reference = json.dumps([one, two])
    assert judge("grid", f"{write(one)}\n\n{write(two)}", reference).score == 1.0
    assert judge("grid", f"{write(two)}\n\n{write(one)}", reference).score == float(one == two)
    assert judge("grid", f"{write(one)}\n\n{write(changed(two))}", reference).score == 0.0
    assert judge("grid", write(one), reference).score == 0.0
    assert judge("grid", "\n\n".join(map(write, (one, one, two, two))), reference).score == 0.0


@pytest.mark.parametrize("name", DOUBLE)
def test_each_test_input_may_count_by_itself(judge: Judge, name: str) -> None:
    one, two = DOUBLE[name]
    reference = json.dumps([one, two])

    def score(*grids: Grid) -> float | None:
        return judge("grid", "\n\n".join(map(json.dumps, grids)), reference, score="mean").score

    assert score(one, two) == 1.0
    assert score(one, changed(two)) == score(changed(one), two) == 0.5
    assert score(changed(one), changed(two)) == score(one) == score(one, two, two) == 0.0


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("fence", ["{}", "```json\n{}\n```", "My attempts:\n```\n{}\n```"])
def test_attempts_are_read_as_arc_wants_them_submitted(
    judge: Judge, name: str, indent: int | None, fence: str
) -> None:
    grids = TASKS[name]
    reference = json.dumps(grids if len(grids) > 1 else grids[0])

    def score(*attempts: str) -> float | None:
        said = [
            {key: changed(grid) if key == "wrong" else grid for key in attempts} for grid in grids
        ]
        return judge("grid", fence.format(json.dumps(said, indent=indent)), reference).score

    assert score("attempt_1") == score("wrong", "attempt_2") == 1.0
    assert score("wrong") == 0.0
    assert score("attempt_1", "attempt_2", "attempt_3") == 0.0


def test_a_grid_in_the_thought_is_not_an_attempt(pool: VerifierPool) -> None:
    grid = SINGLE["d0f5fe59"]
    reference, wrong = json.dumps(grid), changed(grid)
    rows = [
        Request("grid", f"<think>{grid}</think>{wrong}", reference),
        Request("grid", f"<think>{wrong}{wrong}{wrong}</think>{grid}", reference),
        Request("grid", f"<think>{grid}", reference),
        Request("grid", f"Not {wrong}, {wrong}.\n<answer>{grid}</answer>", reference),
    ]
    assert [verdict.score for verdict in pool.verify(rows)] == [0.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "answer",
    ["", "no idea", "[[1, 2], [3]]", "[[1, 12], [3, 4]]", "[[1, 2], [3, 4]", "[[1, -2], [3, 4]]",
     "[[1.0, 2], [3, 4]]", "1 2\n3", "[[true, 2], [3, 4]]", "[[1, 2], [3, 4], []]", "[[", "]]",
     "1 2\n\n3 4", "1 2 3 4", "[" * 5000, "[[1]]" * 5000],
)  # fmt: skip
def test_what_is_no_grid_is_wrong(judge: Judge, answer: str) -> None:
    assert judge("grid", answer, "[[1, 2], [3, 4]]").score == 0.0


@pytest.mark.parametrize(
    ("reference", "metadata"),
    [("", {}), ("[[1, 2], [3]]", {}), ("{}", {}), ("[[10]]", {}), ("[]", {}), ("[[[1]], [2]]", {}),
     ("[[1]]", {"attempts": 0}), ("[[1]]", {"attempts": "2"}),
     ("[[1]]", {"score": "cells"})],
)  # fmt: skip
def test_a_reference_that_is_no_grid_is_unreadable(
    judge: Judge, reference: str, metadata: dict[str, Any]
) -> None:
    assert judge("grid", "[[1]]", reference, **metadata).score is None
