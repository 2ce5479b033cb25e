"""Real rows through the dataset stage, and what it says about files it cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.errors import RecipeError, UsageError
from stages.kinds.dataset.kind import DatasetConfig
from stages.kinds.dataset.run import run
from stages.rows.schemas import PROBLEM, read_rows, write_rows
from stages.settings.hub import Hub
from tests.shipped import shipped

DATA = Path(__file__).parent.parent / "data"
PROBLEM_ROW = {
    "domain": "stem",
    "language": "zh",
    "prompt": "哪个最大？A. 1 B. 2",
    "verifier": "choice",
    "reference": "B",
    "metadata": {"options": 2},
}


@pytest.fixture
def load(make_context, tmp_path):
    """`load(format, path, **config)`: the rows that the stage publishes."""

    def _load(format_: str, path: Path | str, **config):
        context = make_context(tmp_path, stage="heldout")
        run(DatasetConfig("dataset", format=format_, path=str(path), seed=0, **config), {}, context)
        return read_rows(context.output / "rows.parquet")

    return _load


def jsonl(path: Path, *lines: object) -> Path:
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return path


def test_gsm8k_rows_become_problems_with_the_number_after_the_hashes(load):
    rows = load("gsm8k", DATA / "gsm8k/test.jsonl")
    assert [row["reference"] for row in rows] == ["18", "3", "70000", "540", "20"]
    assert rows[0]["id"] == "gsm8k-test-000001"
    assert rows[0]["prompt"][0]["content"].startswith("Janet’s ducks lay 16 eggs")
    assert {(row["domain"], row["language"], row["verifier"]) for row in rows} == {
        ("math", "en", "math")
    }


def test_math500_rows_keep_their_latex_answer_and_their_subject(load):
    row = load("math500", DATA / "math500/test.jsonl")[0]
    assert row["reference"] == r"\left( 3, \frac{\pi}{2} \right)"
    assert json.loads(row["metadata"])["subject"] == "Precalculus"


def test_mgsm_rows_are_read_from_tab_separated_text_in_their_language(load):
    rows = load("mgsm", DATA / "mgsm_zh/mgsm_zh.tsv", language="zh")
    assert [row["reference"] for row in rows] == ["18", "3", "70000", "540", "20"]
    assert rows[0]["language"] == "zh"
    assert rows[0]["prompt"][0]["content"].startswith("珍妮特的鸭子")


def test_a_users_own_problems_load_from_jsonl_and_parquet_alike(load, tmp_path):
    from_jsonl = load("problems", jsonl(tmp_path / "mine.jsonl", PROBLEM_ROW))
    assert json.loads(from_jsonl[0]["metadata"]) == {"options": 2}
    assert from_jsonl[0]["prompt"] == [{"role": "user", "content": "哪个最大？A. 1 B. 2"}]
    write_rows(tmp_path / "mine.parquet", from_jsonl, PROBLEM)
    assert load("problems", tmp_path / "mine.parquet") == from_jsonl
    assert pq.read_schema(tmp_path / "output/rows.parquet").equals(PROBLEM)


def test_a_general_query_says_in_its_row_or_for_its_file_whether_it_asks_for_help_or_tests_safety(
    load, tmp_path
):
    row = PROBLEM_ROW | {"domain": "general"}
    own = jsonl(
        tmp_path / "own.jsonl",
        row | {"preference": "safety"},
        row | {"metadata": {"preference": "helpful"}},
        row,
    )
    said = [json.loads(found["metadata"]) for found in load("problems", own)]
    assert said == [
        {"options": 2, "preference": "safety"},
        {"preference": "helpful"},
        {"options": 2},
    ]
    table = tmp_path / "own.csv"
    table.write_text("domain,prompt,verifier,reference,preference\ngeneral,Hi,text,Hello,safety\n")
    assert json.loads(load("problems", table)[0]["metadata"]) == {"preference": "safety"}
    whole = load("problems", jsonl(tmp_path / "harmless.jsonl", row, row), preference="safety")
    assert [json.loads(found["metadata"])["preference"] for found in whole] == ["safety"] * 2


def test_a_query_of_both_kinds_or_of_another_is_named_with_its_file_and_row(load, tmp_path):
    for wrong in (["helpful", "safety"], "harmless"):
        path = jsonl(tmp_path / "mine.jsonl", PROBLEM_ROW, PROBLEM_ROW | {"preference": wrong})
        with pytest.raises(RecipeError, match=r"mine\.jsonl, row 2: `preference` is .* never both"):
            load("problems", path)
    path = jsonl(tmp_path / "mine.jsonl", PROBLEM_ROW | {"preference": "helpful"})
    with pytest.raises(
        RecipeError, match=r"row 1: is said to be a safety query and a helpful query"
    ):
        load("problems", path, preference="safety")
    with pytest.raises(
        UsageError, match=r"heldout\.preference: is 'kind': .* one of helpful, safety"
    ):
        load("problems", path, preference="kind")


def test_ones_own_problems_may_lack_references_where_the_config_says_so(load, tmp_path):
    unlabelled = {k: v for k, v in PROBLEM_ROW.items() if k != "reference"}
    tested = unlabelled | {"verifier": "code", "metadata": {"tests": ["f(1) == 3"], "entry": "f"}}
    path = jsonl(tmp_path / "mine.jsonl", PROBLEM_ROW, tested, unlabelled)
    with pytest.raises(RecipeError, match=r"mine\.jsonl, row 3: no reference answer"):
        load("problems", path)
    kept = load("problems", path, without_reference="keep")
    assert [row["reference"] for row in kept] == ["B", "", None]
    assert len(load("problems", path, without_reference="drop")) == 2


def test_limit_takes_the_first_rows(load):
    assert len(load("gsm8k", DATA / "gsm8k/test.jsonl", limit=2)) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"question": "1+1?"', "not JSON"),
        ("[1, 2]", "a JSON list, expected an object"),
        ({"question": "1+1?"}, "no column `answer`; found question"),
        ({"question": "1+1?", "answer": "two"}, "no final answer after `####`"),
        ({"question": None, "answer": "#### 2"}, "column `question` is None, expected text"),
    ],
)
def test_a_malformed_row_stops_the_stage_with_its_number_and_the_reason(
    load, tmp_path, line, reason
):
    path = jsonl(tmp_path / "bad.jsonl", {"question": "1+1?", "answer": "#### 2"}, line)
    with pytest.raises(RecipeError, match=r"bad\.jsonl, row 2: ") as error:
        load("gsm8k", path)
    assert reason in str(error.value)


def test_a_malformed_row_of_tab_separated_text_is_named_too(load, tmp_path):
    path = tmp_path / "bad.tsv"
    path.write_text("一加一？\t2\n二加二？\n")
    with pytest.raises(
        RecipeError, match=r"row 2: 1 columns, expected 2 \(question, answer_number"
    ):
        load("mgsm", path)
    path.write_bytes(b"\xff\xfe\t2\n")
    with pytest.raises(RecipeError, match=r"row 1: not UTF-8 \(byte 0\)"):
        load("mgsm", path)


def test_a_row_with_an_unknown_verifier_is_refused_with_the_known_ones(load, tmp_path):
    path = jsonl(tmp_path / "bad.jsonl", PROBLEM_ROW | {"verifier": "oracle"})
    with pytest.raises(RecipeError, match="row 1: column `verifier` is 'oracle', expected one of"):
        load("problems", path)


def test_a_missing_file_is_named_with_its_config_key(load):
    with pytest.raises(
        UsageError, match=r"stages.heldout.path=no/such.jsonl: there is no such file"
    ):
        load("gsm8k", "no/such.jsonl")


def test_a_hub_name_without_a_network_says_how_to_use_a_local_file(load):
    with pytest.raises(
        RecipeError, match=r"heldout\.path=openai/gsm8k: HF_HUB_OFFLINE .*path=FILE"
    ):
        load("gsm8k", "openai/gsm8k", subset="main", split="test", hub=shipped(Hub))


def test_what_is_no_name_of_a_configuration_is_refused(load):
    with pytest.raises(UsageError, match=r"subset: is 3: expected a name or a list of names"):
        load("mgsm", "juletxara/mgsm", subset=3)


def test_an_unknown_format_is_refused_with_the_known_ones(load):
    with pytest.raises(UsageError, match="format: is 'csv': expected one of gsm8k, math500"):
        load("csv", DATA / "gsm8k/test.jsonl")
