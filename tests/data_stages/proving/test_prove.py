"""Which rows prove themselves, why others are dropped, and when a whole source is refused."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import RecipeError
from stages.kinds.prove import kind, run
from stages.kinds.prove.kind import PassRate
from stages.rows.schemas import read_rows
from tests.data_stages.proving.rows import code, problem

#: Takes any number, and so refuses the second output of its row.
CHECKER = "import sys\nprint(int(open(sys.argv[3]).read().strip().isdigit()))"


def dropped(folder):
    return {row["id"]: row["reason"] for row in read_rows(folder / "dropped.parquet")}


def test_rows_that_prove_themselves_keep_their_order_and_bytes(prove):
    rows = [problem(f"sum-{n}", f"{n} + 1 = ?", str(n + 1)) for n in range(5)]
    folder, outputs = prove(rows, max_refused=0.0)
    assert read_rows(folder / "rows.parquet") == rows
    assert dropped(folder) == {}
    assert outputs.funnel["read"] == outputs.funnel["kept"] == 5


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (problem("empty", "2 + 2 = ?", None), "no_reference"),
        (problem("unclear", "2 + 2 = ?", "4 ] ("), "cannot_judge"),
        (problem("name", "Who wrote On the Origin of Species?", "darwin"), "not_mathematics"),
        (problem("abstains", "Is 7 prime?", "Yes"), "not_mathematics"),
        (problem("label", "Which?", "F", verifier="choice", options=["a", "b"]), "cannot_judge"),
        (
            problem("wrong", "", "print(1)", **code(inputs=["1\n"], outputs=["2\n"])),
            "reference_not_right",
        ),
        (problem("idle", "", "", **code(tests=["f(1) == None"], entry="f")), "accepts_anything"),
        (
            problem(
                "unmended",
                "",
                "print(int(input()) + 1)",
                **code(inputs=["1\n"], outputs=["2\n"], wrong="print(int(input()) * 2)"),
            ),
            "accepts_anything",
        ),
        (
            problem(
                "checker",
                "",
                "",
                **code(inputs=["1\n", "2\n"], outputs=["1", "x"], checker=CHECKER),
            ),
            "reference_not_right",
        ),
        (problem("no tests", "", "", **code(inputs=[], outputs=[])), "cannot_judge"),
        (
            problem("f1", "Who?", "idea", verifier="text", match="f1", threshold=0.1),
            "accepts_anything",
        ),
        (
            problem("kind", "Write.", "", verifier="instruction", constraints=[{"type": "new"}]),
            "cannot_judge",
        ),
    ],
    ids=lambda value: value["id"] if isinstance(value, dict) else value,
)
def test_a_row_that_does_not_prove_itself_is_dropped_for_its_reason(prove, row, reason):
    folder, outputs = prove([problem("fine", "3 + 4 = ?", "7"), row], max_refused=0.5)
    assert dropped(folder) == {row["id"]: reason}
    assert outputs.funnel[reason] == 1
    assert [one["id"] for one in read_rows(folder / "rows.parquet")] == ["fine"]


def test_rows_with_nothing_to_prove_are_kept_and_counted(prove):
    rows = [
        problem("tests", "", "", **code(inputs=["1\n"], outputs=["2\n"])),
        problem("asks", "Hello?", None, verifier="", domain="general"),
        problem(
            "follows", "Write.", "", verifier="instruction", constraints=[{"type": "lowercase"}]
        ),
        problem("open", "Why is the sky blue?", "Light scatters.", verifier="generative"),
    ]
    folder, outputs = prove(rows, max_refused=0.0)
    assert outputs.facts["nothing_to_prove"] == 3 + 1
    assert len(read_rows(folder / "rows.parquet")) == 4


def test_a_program_of_the_row_is_run(prove):
    double = "print(2 * int(input()))"
    row = problem(
        "double", "Double it.", double, **code(inputs=["2\n", "5\n"], outputs=["4\n", "10\n"])
    )
    folder, outputs = prove([row], max_refused=0.0)
    assert outputs.facts["nothing_to_prove"] == 0
    assert len(read_rows(folder / "rows.parquet")) == 1


def test_a_source_with_too_many_bad_rows_is_refused_with_the_first_of_them(prove):
    good = [problem(f"sum-{n}", f"{n} + 1 = ?", str(n + 1)) for n in range(30)]
    names = ["darwin", "lagrange", "euler", "gauss"]
    bad = [problem(n, "Who?", n, source="openqa") for n in names]
    fine = [problem(f"fine-{n}", f"{n} + 2 = ?", str(n + 2), source="openqa") for n in range(8)]
    with pytest.raises(RecipeError) as refused:
        prove({"own": good, "brought": [*fine, *bad]}, max_refused=0.05)
    said = str(refused.value)
    assert "stages.proven.max_refused: is 0.05" in said
    assert "of brought/openqa 4 of 12 rows (33.3%)" in said
    assert [name for name in names if f"{name}  not_mathematics" in said] == names[:3]
    assert "leave that stage out of data_from" in said


def test_references_that_are_all_the_same_are_refused(prove):
    """A policy that says it unread would always be right; each row by itself proves."""
    rows = [problem(f"q-{n}", f"Question {n}?", "anything", verifier="text") for n in range(40)]
    with pytest.raises(RecipeError) as refused:
        prove(rows)
    said = "max_same_answer: is 0.9, and of given/mine 100.0% of the references are anything"
    assert said in str(refused.value)
    letters = [
        problem(f"q-{n}", f"Question {n}?", "ABAC"[n % 4], verifier="choice") for n in range(40)
    ]
    _, outputs = prove({"letters": letters})
    assert outputs.facts["sources"]["letters/mine"]["same_answer"] == 0.5


def test_numbers_of_options_that_were_read_as_mathematics_are_refused(prove):
    """LogiQA as a competition: the options are lost, and "3" scores 1 against itself."""
    rows = [problem(f"q-{n}", f"Which follows from {n}?", str(n % 4)) for n in range(120)]
    with pytest.raises(
        RecipeError, match=r"100\.0% of the references are 0 or 1 or 2 or 3: .*read"
    ):
        prove(rows)
    real = [problem(f"r-{n}", f"{n} + {n} = ?", str(2 * n)) for n in range(120)]
    prove({"real": real})


def test_a_set_whose_tests_take_any_program_is_refused(prove):
    tests = code(tests=["f(1) == None"], entry="f")
    rows = [problem(f"f-{n}", f"Write f, {n}.", "", **tests) for n in range(3)]
    with pytest.raises(
        RecipeError, match=r"of given/mine 3 of 3 rows \(100\.0%\).*\n  f-0  accepts_an"
    ):
        prove(rows)


def test_rows_that_are_always_or_never_solved_are_dropped_by_the_rate_of_their_set(prove):
    rows = [
        problem(f"rate-{rate}", "3 + 4 = ?", "7", pass_rate=rate) for rate in (0.0, 0.25, 1.0, 1)
    ] + [problem("unknown", "3 + 4 = ?", "7"), problem("no share", "3 + 4 = ?", "7", pass_rate=62)]
    rows[3]["id"] = "whole"
    folder, outputs = prove(rows, pass_rate=PassRate(0.0, 1.0))
    assert dropped(folder) == {"rate-0.0": "too_hard", "rate-1.0": "too_easy", "whole": "too_easy"}
    assert outputs.facts["rate_unknown"] == 2


def test_the_samples_of_the_policy_say_more_than_the_rate_of_the_set(prove, make_artifact):
    rows = [
        problem(name, "3 + 4 = ?", "7", pass_rate=0.5)
        for name in ("never", "some", "always", "new")
    ]
    judge = make_artifact("samples", "asked")
    rates = {
        "id": ["never", "some", "always", "new"],
        "n": [8, 8, 8, 0],
        "correct": [0, 3, 8, 0],
        "pass_rate": [0.1, 0.4, 0.9, None],  # an estimate, which is never 0 or 1
    }
    pq.write_table(pa.table(rates), judge.path / "pass_rates.parquet")
    folder, _ = prove(rows, score_with=[judge], pass_rate=PassRate(0.0, 1.0))
    assert dropped(folder) == {"never": "too_hard", "always": "too_easy"}


def test_a_stage_of_which_nothing_is_left_is_refused_by_its_name(prove):
    easy = [problem("easy", "3 + 4 = ?", "7", pass_rate=1.0)]
    fine = [problem("fine", "3 + 4 = ?", "7")]
    with pytest.raises(
        RecipeError, match=r"none of the 1 rows of known is left.*too_easy 1.*data_from"
    ):
        prove({"fine": fine, "known": easy}, pass_rate=PassRate(0.0, 1.0))


def test_what_is_proved_is_not_proved_again_after_a_kill_or_beside_another_set(prove, monkeypatch):
    rows = [problem(f"sum-{n}", f"{n} + 1 = ?", str(n + 1)) for n in range(10)]
    asked = []
    one_by_one = run.proved

    def killed(numbered, pool):
        for place, found in enumerate(one_by_one(numbered, pool)):
            if place == 6:
                raise KeyboardInterrupt
            asked.append(found[0])
            yield found

    monkeypatch.setattr(run, "proved", killed)
    with pytest.raises(KeyboardInterrupt):
        prove(rows)
    monkeypatch.setattr(
        run,
        "proved",
        lambda numbered, pool: (asked.append(n) or (n, o) for n, o in one_by_one(numbered, pool)),
    )
    prove(rows)
    other = [problem("other", "1 + 1 = ?", "2")]
    folder, _ = prove({"given": rows, "other": other}, max_refused=0.5)
    assert sorted(asked) == [0, *range(10)], "the other set's row, and each of these once"
    assert read_rows(folder / "rows.parquet") == [*rows, *other]


def test_proofs_that_were_harmed_are_made_again(prove, tmp_path):
    rows = [problem("fine", "3 + 4 = ?", "7"), problem("name", "Who?", "darwin")]
    prove(rows, max_refused=0.5)
    (kept,) = (tmp_path / "shared").rglob("proofs/*/*.parquet")
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    folder, _ = prove(rows, max_refused=0.5)
    assert dropped(folder) == {"name": "not_mathematics"}


def test_a_result_is_refused_once_less_is_allowed(prove):
    rows = [problem("fine", "3 + 4 = ?", "7"), problem("name", "Who?", "darwin")]
    _, outputs = prove(rows, max_refused=0.5)
    config = SimpleNamespace(max_refused=0.1, max_same_answer=0.9)
    (found,) = kind.gate(SimpleNamespace(config=config), outputs.facts)
    assert found.key == "max_refused"
    assert "1 of 2 rows (50.0%)" in found.text
