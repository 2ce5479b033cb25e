"""Every benchmark of conf/data: real rows through the dataset stage, each proved to itself."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.compose import compose
from pipeline.errors import RecipeError, UsageError
from stages.kinds.dataset.kind import DatasetConfig
from stages.kinds.dataset.run import run
from stages.project import R1
from stages.rows.formats import FORMATS
from stages.rows.schemas import read_rows
from stages.settings import values
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import check_references

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests/data"
TEXTS = {path.stem: path.read_text() for path in sorted((ROOT / "conf/data").glob("*.yaml"))}
FILES_ONLY = {name for name, text in TEXTS.items() if "path: ???" in text}

#: benchmark → a real file, and what its rows say: language, verifier and reference of the first.
REAL = {
    "gsm8k": ("gsm8k/test.jsonl", "en", "math", "18"),
    "math500": ("math500/test.jsonl", "en", "math", r"\left( 3, \frac{\pi}{2} \right)"),
    "math": ("math/test.jsonl", "en", "math", "2"),
    "aime2024": ("aime/aime24.jsonl", "en", "math", "73"),
    "aime": ("aime/train_1983_2023.json", "en", "math", "60"),
    "amc": ("amc/amc23.jsonl", "en", "math", "27"),
    "mgsm": ("mgsm/mgsm_en.tsv", "en", "math", "18"),
    "mgsm_zh": ("mgsm_zh/mgsm_zh.tsv", "zh", "math", "18"),
    "cmath": ("cmath/cmath_dev.jsonl", "zh", "math", "9"),
    "middle_school": ("middle_school/test.jsonl", "zh", "choice", "A"),
    "olymmath": ("olymmath", "en", "math", "948"),
    "mmlu_stem": ("mmlu_stem/test.jsonl", "en", "choice", "C"),
    "agieval": ("agieval", "en", "choice", "A"),
    "humaneval": ("humaneval/sample.jsonl", "en", "code", "from typing import List\n"),
    "ifeval": ("ifeval/input_data.jsonl", "en", "instruction", ""),
    "bbh": ("bbh/tasks", "en", "choice", "(B)"),
    "knights_knaves": ("knights_knaves/3ppl_test.parquet", "en", "logic", "(1) Amelia is a knight"),
    "game24": ("game24/24.csv", "en", "countdown", "24"),
    "arc_agi_1": ("arc_agi_1/training", "en", "grid", "[["),
}
CONFLICTING = {"ifeval-input_data-000012"}  # its instructions contradict each other


@pytest.fixture(scope="module")
def benchmarks():
    """Every option of conf/data that is a data set, as `r1 eval` composes it."""
    overrides = [f"+data@stages.{name}={name}" for name in TEXTS]
    overrides += [f"stages.{name}.path=mine.jsonl" for name in FILES_ONLY]
    stages = compose(R1, overrides).stages
    return {name: stages[name] for name in TEXTS if isinstance(stages[name], DatasetConfig)}


@pytest.fixture
def load(benchmarks, make_context, tmp_path):
    """`load(benchmark, path, **config)`: rows and funnel of the stage that conf/data describes."""

    def _load(benchmark: str, path: Path | str, **changes: Any):
        config = dataclasses.replace(benchmarks[benchmark], path=str(path), **changes)
        context = make_context(tmp_path, stage="x")
        outputs = run(config, {}, context)
        return read_rows(context.output / "rows.parquet"), dict(outputs.funnel)

    return _load


def jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def pool():
    with VerifierPool(1, 10.0) as made:
        yield made


@pytest.mark.parametrize("benchmark", REAL)
def test_real_rows_load_and_each_reference_proves_itself(load, pool, benchmark):
    file, language, verifier, reference = REAL[benchmark]
    rows, funnel = load(benchmark, DATA / file)
    first = rows[0]
    assert (first["language"], first["verifier"]) == (language, verifier)
    assert first["reference"].startswith(reference)
    assert funnel == {"read": len(rows), "kept": len(rows)}
    assert all(row["prompt"][0]["content"].strip() for row in rows)
    failures = check_references(rows, pool)
    assert {failure.id for failure in failures} <= CONFLICTING, failures


def test_each_benchmark_names_a_reader_and_a_home(benchmarks):
    assert set(REAL) <= set(benchmarks)
    assert tuple(FORMATS) == values.FORMATS
    for name, config in benchmarks.items():
        assert config.format in FORMATS, name
        assert name in FILES_ONLY or "/" in config.path, name


def test_the_papers_numbers_of_samples_stand_with_their_benchmarks(benchmarks):
    assert benchmarks["aime2024"].samples == 64
    assert benchmarks["math500"].samples == 16


def test_a_benchmark_that_is_only_a_file_asks_for_it():
    with pytest.raises(UsageError, match=r"stages\.x\.path"):
        compose(R1, ["+data@stages.x=game24"])


# What the hub's columns are called --------------------------------------------------------------


def test_the_hubs_names_of_columns_are_read_as_well_as_the_files(load, tmp_path):
    """The same problems under the columns of other copies give the same references."""
    copies = {
        "aime": {"ID": "2024-I-1", "Problem": "Every morning…", "Answer": 204, "Solution": "…"},
        "aime2025": {"problem": "Find the sum…", "answer": "70", "id": "0"},
        "amc": {"id": 1, "question": "How many…", "answer": "27", "url": "…"},
        "cmath": {"grade": 1, "question": "还剩多少页没有看？", "golden": "9"},
        "minerva": {"question": "Find the diameter", "answer": "1.6"},
        "countdown": {"target": 98, "nums": [44, 19, 35]},
    }
    found = {name: load(name, jsonl(tmp_path / "c.jsonl", row))[0] for name, row in copies.items()}
    references = {name: rows[0]["reference"] for name, rows in found.items()}
    assert references == {
        "aime": "204",
        "aime2025": "70",
        "amc": "27",
        "cmath": "9",
        "minerva": "1.6",
        "countdown": "98",
    }
    assert "44, 19, 35" in found["countdown"][0]["prompt"][0]["content"]


def test_ifeval_of_the_hub_has_every_argument_and_most_are_null(load, pool, tmp_path):
    rows = [json.loads(line) for line in (DATA / "ifeval/input_data.jsonl").open()][:3]
    names = {name: None for row in rows for one in row["kwargs"] for name in one}
    for row in rows:
        row["kwargs"] = [names | one for one in row["kwargs"]]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    from_hub, _ = load("ifeval", tmp_path / "train.parquet")
    from_file, _ = load("ifeval", DATA / "ifeval/input_data.jsonl", limit=3)
    assert [row["metadata"] for row in from_hub] == [row["metadata"] for row in from_file]


def test_mmlu_is_read_from_its_original_csv_named_after_the_subject(load, tmp_path):
    (tmp_path / "astronomy_test.csv").write_text('"What, then?",Mars,"Venus, say",Io,Sun,B\n')
    rows, _ = load("mmlu_stem", tmp_path / "astronomy_test.csv")
    assert rows[0]["reference"] == "B"
    assert rows[0]["prompt"][0]["content"] == "What, then?\n\nA. Mars\nB. Venus, say\nC. Io\nD. Sun"
    assert json.loads(rows[0]["metadata"])["subject"] == "astronomy"


def test_a_question_shows_all_its_options_and_more_than_the_alphabet_has_are_refused(
    load, tmp_path
):
    row = {"question": "Which?", "subject": "astronomy", "answer": 11}
    row["choices"] = [f"star {number}" for number in range(12)]
    rows, _ = load("mmlu_stem", jsonl(tmp_path / "twelve.jsonl", row))
    assert rows[0]["prompt"][0]["content"].endswith("\nK. star 10\nL. star 11")
    assert rows[0]["reference"] == "L"
    row["choices"] = [f"star {number}" for number in range(27)]
    with pytest.raises(RecipeError, match="row 1: 27 options, expected at most 26"):
        load("mmlu_stem", jsonl(tmp_path / "many.jsonl", row))


def test_sanitized_mbpp_has_other_columns_and_imports_before_its_tests(load, pool, tmp_path):
    row = {
        "task_id": 11,
        "prompt": "Write a function to double.",
        "code": "def double(x):\n    return 2 * x",
        "test_imports": ["import math"],
        "test_list": ["assert double(math.floor(2.5)) == 4"],
    }
    rows, _ = load("mbpp", jsonl(tmp_path / "sanitized.jsonl", row))
    assert check_references(rows, pool) == []
    assert "assert double(" in rows[0]["prompt"][0]["content"]


# What is left out, and said ---------------------------------------------------------------------


def test_mbpp_takes_the_tasks_of_the_split_from_a_file_that_holds_all(load):
    rows, funnel = load("mbpp", DATA / "mbpp/sample.jsonl")
    assert [json.loads(row["metadata"])["task"] for row in rows] == [313]
    assert funnel == {"read": 4, "other_split": 3, "kept": 1}
    rows, _ = load("mbpp", DATA / "mbpp/sample.jsonl", split="train+validation")
    assert [json.loads(row["metadata"])["task"] for row in rows] == [596, 927]


def test_mmlu_stem_counts_the_rows_of_other_subjects(load, tmp_path):
    row = json.loads((DATA / "mmlu_stem/test.jsonl").read_text().splitlines()[0])
    other = {name: row[name] for name in ("question", "choices", "answer")} | {"subject": "ethics"}
    path = jsonl(tmp_path / "all.jsonl", row, other)
    assert load("mmlu_stem", path)[1] == {"read": 2, "other_subject": 1, "kept": 1}
    assert [row["domain"] for row in load("mmlu", path)[0]] == ["stem", "general"]


def test_rows_without_a_reference_stop_the_stage_unless_they_may_go_or_stay(load):
    path = DATA / "math/train_deepscaler.json"
    with pytest.raises(RecipeError, match=r"deepscaler\.json, row 2: no reference .*=drop"):
        load("math_train", path)
    rows, funnel = load("math_train", path, without_reference="drop")
    assert funnel == {"read": 3, "without_reference": 2, "kept": 1}
    assert [row["reference"] for row in rows] == ["0"]
    rows, funnel = load("math_train", path, without_reference="keep")
    assert [row["reference"] for row in rows] == ["0", None, None]
    assert funnel == {"read": 3, "kept": 3}


def test_what_is_judged_by_its_tests_or_constraints_needs_no_reference(load, tmp_path):
    path = tmp_path / "humaneval.jsonl"
    row = json.loads((DATA / "humaneval/sample.jsonl").read_text().splitlines()[0])
    rows, _ = load("humaneval", jsonl(path, row | {"canonical_solution": ""}))
    assert rows[0]["reference"] == ""


def test_a_file_of_other_subjects_alone_is_no_benchmark(load, tmp_path):
    (tmp_path / "ethics_test.csv").write_text("Why?,a,b,c,d,A\n")
    with pytest.raises(RecipeError, match=r"no rows \(read: 1, other_subject: 1\)"):
        load("mmlu_stem", tmp_path / "ethics_test.csv")


def test_a_word_in_place_of_error_drop_or_keep_is_refused(load):
    with pytest.raises(UsageError, match="without_reference: is 'skip': expected one of error,"):
        load("gsm8k", DATA / "gsm8k/test.jsonl", without_reference="skip")


# Files and folders ------------------------------------------------------------------------------


def test_a_folder_of_tasks_is_read_whole_and_ids_name_the_task(load):
    rows, _ = load("bbh", DATA / "bbh/tasks")
    assert [row["id"] for row in rows][::2] == [
        "bbh-date_understanding-000001",
        "bbh-multistep_arithmetic_two-000001",
        "bbh-word_sorting-000001",
    ]
    assert [row["verifier"] for row in rows] == ["choice"] * 2 + ["math"] * 2 + ["order"] * 2


def test_an_arc_task_asks_for_all_its_test_inputs(load):
    two, one = load("arc_agi_1", DATA / "arc_agi_1/training")[0]
    assert one["prompt"][0]["content"].count("Test input") == 1
    assert "Test input 2:" in two["prompt"][0]["content"]
    assert len(json.loads(two["reference"])) == 2


def test_all_tasks_of_arc_in_one_object_are_rows_with_their_keys(load, tmp_path):
    tasks = {p.stem: json.loads(p.read_text()) for p in (DATA / "arc_agi_1/training").iterdir()}
    (tmp_path / "training.json").write_text(json.dumps(tasks))
    rows, _ = load("arc_agi_1", tmp_path / "training.json")
    folder, _ = load("arc_agi_1", DATA / "arc_agi_1/training")
    assert {r["metadata"]: r["reference"] for r in rows} == {
        r["metadata"]: r["reference"] for r in folder
    }


def test_options_stand_behind_letters_however_the_file_writes_them(load):
    rows, _ = load("agieval", DATA / "agieval/logiqa-zh.jsonl")
    for row in rows:
        *_, last = row["prompt"][0]["content"].splitlines()
        assert last.startswith("D. ")
        assert not last.startswith(("D. D", "D. ("))
    several, _ = load("agieval", DATA / "agieval/gaokao-physics.jsonl")
    assert len(several[1]["reference"]) > 1


def test_the_language_of_mgsm_is_that_of_its_file(load, tmp_path):
    (tmp_path / "mgsm_de.tsv").write_text("Janets Enten legen 16 Eier.\t1,450\n")
    row = load("mgsm", tmp_path / "mgsm_de.tsv")[0][0]
    assert (row["language"], row["reference"]) == ("de", "1450")


def test_gzip_and_json_lists_are_read_like_their_plain_lines(load, tmp_path):
    text = (DATA / "gsm8k/test.jsonl").read_text()
    (tmp_path / "test.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    rows = [json.loads(line) for line in text.splitlines()]
    (tmp_path / "test.json").write_text(json.dumps(rows))
    plain, _ = load("gsm8k", DATA / "gsm8k/test.jsonl")
    assert load("gsm8k", tmp_path / "test.jsonl.gz")[0] == plain
    assert load("gsm8k", tmp_path / "test.json")[0] == plain


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b'[{"question": "1+1?", "answer": "#### 2"}, 3]', r"row 2: a JSON int"),
        ("a.json", b'{"question"', r"a\.json, row 1: not JSON"),
        ("a.csv", b"question,answer\n1+1?,#### 2\n2+2?\n", r"row 2: 1 columns, expected 2"),
        ("a.jsonl.gz", b"no gzip", r"a\.jsonl\.gz: not a whole \.gz file"),
        ("a.parquet", b"no parquet", r"a\.parquet: not a whole \.parquet file"),
    ],
)
def test_a_broken_file_of_any_form_is_named_with_its_row(load, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecipeError, match=message):
        load("gsm8k", tmp_path / name)


def test_a_folder_without_rows_and_an_unknown_ending_are_refused(load, tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(UsageError, match=r"no \.jsonl, \.json, \.csv"):
        load("gsm8k", tmp_path)
    with pytest.raises(UsageError, match=r"notes\.txt: expected a file ending in"):
        load("gsm8k", tmp_path / "notes.txt")
