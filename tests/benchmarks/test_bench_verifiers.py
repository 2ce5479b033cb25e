"""The benchmark runs on the rows of tests/data, and its rows say what they claim."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # benchmarks/ is no installed package

from benchmarks import hostile, verifiers  # noqa: E402
from benchmarks.answer_sets import answer_sets  # noqa: E402
from benchmarks.files import OWN, Folder, read  # noqa: E402
from stages.rows.formats.maths import last_box  # noqa: E402

PAIRS = sorted((OWN / "hard_pairs").glob("*.jsonl"))


def test_the_bench_measures_all_graders_on_the_same_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers.json"
    verifiers.main(["--only", "answers", "--sets", "MGSM zh", "--json", str(file)])
    (one,) = json.loads(file.read_text())["answers"]
    assert one["right"]
    assert one["wrong"]
    for name, numbers in one["graders"].items():
        assert numbers["rows"] == one["right"] + one["wrong"], name
    ours, mathverify = one["graders"]["ours, pool of 2"], one["graders"]["math-verify, default"]
    assert ours["right_accepted"] == one["right"]
    assert ours["wrong_accepted"] == mathverify["wrong_accepted"] == 0
    assert mathverify["right_accepted"] > one["right"] / 2
    assert "tests/data only" in capsys.readouterr().out


def test_the_bench_proves_every_reference_and_names_those_that_cannot_be(tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    verifiers.main(["--only", "proofs", "--json", str(file)])
    proofs = json.loads(file.read_text())["proofs"]
    assert {"GSM8K", "MATH-500", "knights and knaves"} <= {one["set"] for one in proofs}
    missed = {one["set"]: one["failures"] for one in proofs if one["expected"] < one["rows"]}
    assert set(missed) == {"IFEval, made answers"}  # a row that contradicts itself
    assert missed["IFEval, made answers"][0]["reason"].startswith("not followed")


def test_rows_made_of_references_have_both_labels_and_differ_where_they_are_wrong() -> None:
    (made,) = [s for s in answer_sets(Folder(OWN), limit=10**6) if s.name == "GSM8K"]
    right = [row for row in made.rows if row.right]
    wrong = [row for row in made.rows if not row.right]
    assert right
    assert wrong
    for row in wrong:
        value = "".join(filter(str.isdigit, row.completion.split("boxed")[1]))
        assert value != "".join(filter(str.isdigit, row.reference))


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_hard_pairs_are_labelled_once_and_never_twice(path: Path) -> None:
    rows = read(path)
    keys = [(row["reference"], row["answer"]) for row in rows]
    assert len(keys) == len(set(keys))
    assert {row["label"] for row in rows} == {0, 1}
    assert all(row["why"] and row["category"] for row in rows)


def test_no_hostile_answer_shares_its_name() -> None:
    names = [name for name, _ in hostile.hostile()]
    assert len(names) == len(set(names)) > 50


@pytest.mark.parametrize(
    ("solution", "box"),
    [
        ("so \\boxed{1}, then \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
        ("\\boxed 7.", "7"),
    ],
)
def test_the_last_box_of_a_solution_is_its_answer(solution: str, box: str) -> None:
    assert last_box(solution) == box
