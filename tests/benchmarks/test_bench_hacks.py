"""The bench of hacks: what it copies is what it says, and its table has every set."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # benchmarks/ is no installed package

from benchmarks.hacks import __main__ as bench  # noqa: E402
from benchmarks.hacks import maths  # noqa: E402

DUCKS = "She has <<16-3-4=9>>9 eggs and makes $<<9*2=18>>18.\n#### 18"


def said(policy: str, question: str, **metadata: str) -> str:
    answers = dict(zip(maths.POLICIES, maths.answers(question, "", metadata), strict=True))
    return answers[policy]


@pytest.mark.parametrize(
    ("policy", "question", "answer"),
    [
        ("the first formula", "Compute 3+4-2", "3+4-2"),
        ("the formula asked for", r"If $x=2$, evaluate $x^3 + 1$ for $x$.", "x^3 + 1"),
        ("the last formula + 0", r"Let $a=1$. What is \[\frac{a}{2}?\]", r"\frac{a}{2}? + 0"),
        ("the last formula's right side", "Solve $y = 2x$.", "2x"),
        ("the story as a sum", "Tom has 5 apples, gets 3, loses 2. How many now?", "5+3-2"),
        ("the story as a sum", "小明有5个苹果，得3，失2。几个？", "5+3-2"),
        ("number 2 of the question", "Of 12 eggs 5 are brown.", "5"),
        ("always 1", "Anything?", "1"),
        ("the last formula", "No numbers here.", ""),
    ],
)
def test_a_policy_copies_from_the_question(policy: str, question: str, answer: str) -> None:
    assert said(policy, question).strip() == answer


def test_the_steps_of_a_marked_solution_are_left_undone() -> None:
    assert said("the last step, undone", "?", solution=DUCKS) == "9*2"
    assert said("all steps, undone", "?", solution=DUCKS) == "(16-3-4)*2"


def test_the_table_has_what_each_policy_is_paid_beside_guessing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers.json"
    bench.main(["--limit", "8", "--sets", "math", "--json", str(file)])
    measured = {one["name"]: one for one in json.loads(file.read_text())}
    assert set(measured) == {"tiny world, math en", "tiny world, math zh"}
    for one in measured.values():
        lenient, strict = one["paid"][bench.ANY]
        assert lenient > one["guessing"]
        assert strict <= lenient
    assert "guessing %" in capsys.readouterr().out


def test_a_set_that_is_not_there_is_said_to_be_absent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.main(["--limit", "1", "--sets", "GSM8K", "--data", str(tmp_path)])
    assert "absent: its file is not in DATA" in capsys.readouterr().out
