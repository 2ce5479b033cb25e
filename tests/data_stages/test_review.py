"""The second human check: rows go out as a sheet, and come back as people left them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pipeline.errors import RecipeError, UsageError
from stages.kinds.reviewed.kind import ReviewedConfig
from stages.kinds.reviewed.run import run
from stages.rewriting.sheet import Sheet, read_sheet, write_sheet
from stages.rows.schemas import SAMPLE, read_rows
from tests.shipped import shipped

LONG = "I add one. " * 4000  # 44,000 characters: more than a cell holds


def row(number: int, thought: str, summary: str = r"it is \boxed{7}", **changes) -> dict:
    return {
        "id": f"math-{number}",
        "domain": "math",
        "language": "en",
        "prompt": [{"role": "user", "content": "3+4=?"}],
        "verifier": "math",
        "reference": "7",
        "metadata": "{}",
        "source": "tiny",
        "completion": f"<think>{thought}</think>{summary}",
        "reasoning": thought,
        "answer": "7",
        "score": 1.0,
        "reason": "equal",
        "tokens": 9,
        "finish_reason": "stop",
        "seed": number,
        "model": "f" * 16,
    } | changes


ROWS = [row(1, "=cmd|'/c calc'!A1\nI take 3+4=7."), row(2, "'quoted', so 7"), row(3, LONG)]


def cells(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def save(path: Path, lines: list[dict[str, str]], delimiter: str = ",") -> Path:
    """As a spreadsheet saves it."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(lines)
    return path


@pytest.fixture
def sheet(tmp_path) -> Path:
    path = tmp_path / "sheet.csv"
    write_sheet(Sheet.of(ROWS), path)
    return path


@pytest.fixture
def reviewed(make_artifact, make_context):
    """`reviewed(sheet, **config)`: the stage's rows, its context and its outputs."""
    source = make_artifact("samples", "cold_start_data", rows=ROWS)

    def make(path: Path, **changes):
        config = shipped(ReviewedConfig, "reviewed", sheet=str(path), seed=0, **changes)
        context = make_context(stage="checked")
        outputs = run(config, {"data_from": (source,)}, context)
        return read_rows(context.output / "rows.parquet"), context, outputs

    return make


def test_a_sheet_opens_in_a_spreadsheet_and_holds_every_text_whole(sheet):
    assert sheet.read_bytes().startswith(b"\xef\xbb\xbf")
    lines = cells(sheet)
    assert list(lines[0])[:4] == ["row", "question", "thought", "thought_2"]
    assert lines[0]["thought"].startswith("'=cmd"), "a formula would run"
    assert lines[0]["question"] == "'3+4=?", "a short text with a figure might become a date"
    assert max(len(text) for line in lines for text in line.values()) < 32767
    pieces = [lines[2][name] for name in ("thought", "thought_2", "thought_3")]
    assert "".join(pieces).rstrip() == LONG.rstrip()
    assert not any(line["verdict"] for line in lines)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_what_people_keep_comes_back_as_it_was(delimiter, sheet, reviewed):
    lines = [line | {"verdict": "Keep "} for line in cells(sheet)]
    rows, _, outputs = reviewed(save(sheet, lines, delimiter))
    assert rows == [{name: one.get(name) for name in SAMPLE.names} for one in ROWS]
    assert outputs.funnel == {
        "rows": 3, "dropped": 0, "no_verdict": 0, "corrected_wrong": 0, "kept": 3,
    }  # fmt: skip


def test_a_correction_is_learnt_in_peoples_words_once_its_answer_is_verified_again(sheet, reviewed):
    lines = [line | {"verdict": "keep"} for line in cells(sheet)]
    lines[0] |= {"corrected_thought": "Three and four\r\nmake seven."}
    lines[1] |= {"corrected_summary": r"so it is \boxed{8}"}
    lines[2] |= {"verdict": "drop"}
    rows, context, outputs = reviewed(save(sheet, lines))
    (kept,) = rows
    assert kept["completion"] == ("<think>Three and four\nmake seven.</think>it is \\boxed{7}")
    assert (kept["score"], kept["answer"], kept["reasoning"][:5]) == (1.0, "7", "Three")
    left = {one["id"]: one for one in read_rows(context.output / "left_out.parquet")}
    assert (left["math-2"]["reason"], left["math-2"]["line"]) == ("corrected_wrong", 3)
    assert left["math-3"]["reason"] == "dropped"
    assert outputs.facts["corrected"] == 1


def test_rows_without_a_verdict_are_refused_or_counted(sheet, reviewed):
    lines = cells(sheet)[:2]
    lines[1] |= {"verdict": "keep"}
    path = save(sheet, lines)
    with pytest.raises(
        RecipeError, match=r"1 rows have no verdict \(rows 2\); 1 rows of the stage"
    ):
        reviewed(path)
    rows, _, outputs = reviewed(path, without_verdict="drop")
    assert [one["id"] for one in rows] == ["math-2"]
    assert outputs.funnel["no_verdict"] == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"row": "row-0"}, "row 2: there is no `row-0` in cold_start_data: the name was changed"),
        ({"thought": "mine"}, "row 2: `thought` was changed; a better text goes into `corrected_t"),
        ({"question": "3+5=?"}, "row 2: `question` was changed"),
        ({"verdict": "yes"}, "row 2: verdict `yes`: expected keep or drop"),
        ({"corrected_summary": "7"}, "row 2: a corrected text, and the verdict is ``"),
        ({"corrected_thought": "x" * 32767}, "row 2: `corrected_thought` is full (32767"),
    ],
)
def test_what_is_wrong_in_a_sheet_is_named_with_file_and_row(change, said, sheet, reviewed):
    lines = cells(sheet)
    lines[0] |= change
    with pytest.raises(RecipeError) as error:
        reviewed(save(sheet, lines))
    assert f"{sheet}, {said}" in str(error.value)


def test_a_row_that_stands_twice_is_named(sheet, reviewed):
    lines = cells(sheet)
    with pytest.raises(RecipeError, match=r"row 5: `row-\w+` stands in row 2, too"):
        reviewed(save(sheet, [*lines, lines[0]]))


def test_a_sheet_in_another_encoding_or_without_its_columns_says_so(sheet, reviewed):
    whole = sheet.read_text(encoding="utf-8-sig")
    sheet.write_bytes((whole + "é").encode("cp1252"))
    with pytest.raises(UsageError, match=r"not UTF-8 .* save it as `CSV UTF-8`"):
        reviewed(sheet)
    sheet.write_text(whole.replace("verdict", "opinion"))
    with pytest.raises(UsageError, match="no column verdict"):
        reviewed(sheet)


def test_a_sheet_that_people_may_have_filled_in_is_never_written_over(sheet):
    with pytest.raises(UsageError, match="is there, and people may have filled it in"):
        write_sheet(Sheet.of(ROWS), sheet)


@pytest.mark.parametrize("text", ["=1+1", "'=1", "''x", "-3", "@x", "1/2", "'1", "＝1", "7 apples"])
def test_every_text_survives_the_way_there_and_back(text, tmp_path):
    sheet = Sheet.of([row(1, text, text)])
    write_sheet(sheet, tmp_path / "a.csv")
    (line,) = cells(tmp_path / "a.csv")
    assert line["thought"][0] not in "=+-@＝1"
    said = {"verdict": "keep", "corrected_thought": line["thought"]}
    (review,) = read_sheet(save(tmp_path / "b.csv", [line | said]), sheet, "s")
    assert review.thought == text


def test_people_review_a_finished_stage_from_the_command_line(own_folder, capsys):
    from stages.project import main

    words = ["profile=smoke", "tracking=none"]
    path, pairs = Path("check.csv"), Path("pairs.jsonl")
    assert main(["review", "human_cot", "--out", str(path), *words]) == 2
    assert (
        "it has no result with this config yet: r1 run until=human_cot" in capsys.readouterr().err
    )
    assert main(["run", "until=human_cot", *words]) == 0
    assert main(["review", "human_cot", "--out", str(path), *words]) == 0
    stage = [
        "+stage@stages.checked=reviewed",
        "stages.checked.data_from=[human_cot]",
        f"stages.checked.sheet={path}",
        "until=checked",
    ]
    assert main(["run", *stage, *words]) == 1
    lines = [line | {"verdict": "keep"} for line in cells(path)]
    lines[0] |= {"corrected_thought": "I think about it."}
    save(path, lines)
    assert main(["run", *stage, *words]) == 0
    assert (
        main(["review", "human_cot", "--sheet", str(path), "--examples", str(pairs), *words]) == 0
    )
    assert f"{len(lines)} of {len(lines)} rows: keep {len(lines)}" in capsys.readouterr().out
    (pair,) = map(json.loads, pairs.read_text().splitlines())
    assert pair["thought_after"] == "I think about it."
    assert set(pair) == {
        "language", "question", "answer", "thought_before", "thought_after", "summary",
    }  # fmt: skip
    (manifest,) = Path("outputs/store/checked").glob("*/manifest.json")
    assert json.loads(manifest.read_text())["facts"]["corrected"] == 1
