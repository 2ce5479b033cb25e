"""Problems of contests: real rows of NeMo Gym, and rows made to the cards of the other sets."""

from __future__ import annotations

import base64
import dataclasses
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.compose import compose
from pipeline.errors import RecipeError, UsageError
from stages.kinds.dataset.kind import DatasetConfig, rules
from stages.kinds.dataset.run import run
from stages.project import R1
from stages.rows.code_tests import CodeTest, kept_tests
from stages.rows.schemas import read_rows
from stages.settings.code_tests import CodeTests
from stages.settings.values import refuse
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import check_references
from stages.verifiers.verdict import request_of

ROOT = Path(__file__).resolve().parents[2]
NEMO = [json.loads(line) for line in (ROOT / "tests/data/open_rows/code_gen.jsonl").open()]
SOURCES = ("nemotron_code", "codeforces", "deepcoder", "code_contests_bugfix", "livecodebench")

DOUBLE = "print(2 * int(input()))"
PAIRS = [{"input": "1\n", "output": "2\n"}, {"input": "5\n", "output": "10\n"}]
STREAMS = {"inputs": ["1\n", "5\n"], "outputs": ["2\n", "10\n"]}
LISTS = {"input": STREAMS["inputs"], "output": STREAMS["outputs"]}
CHECKER = "import sys\nprint(int(open(sys.argv[3]).read().strip().isdigit()))"
FORCES: dict[str, Any] = {
    "id": "1/A", "title": "Twice", "description": "Double a number.", "input_format": "A number.",
    "output_format": "Its double.", "interaction_format": None, "note": None, "rating": 800,
    "examples": PAIRS[:1], "time_limit": 1.0, "memory_limit": 256.0, "official_tests": PAIRS,
    "input_mode": "stdio", "generated_checker": None, "language": "python",
}  # fmt: skip
DEEP: dict[str, Any] = {
    "problem": "Double a number.", "starter_code": "", "metadata": "{}",
    "solutions": ["int main() {}", f"```python\n{DOUBLE}\n```"],
    "tests": json.dumps([pair | {"type": "stdin_stdout"} for pair in PAIRS]),
}  # fmt: skip
CALLED = DEEP | {
    "solutions": ["def twice(x):\n    return 2 * x"],
    "tests": json.dumps({"inputs": [[1], [5]], "outputs": [[2], [10]], "fn_name": "twice"}),
}
BUG: dict[str, Any] = {
    "name": "1_A. Twice", "description": "Double a number.", "public_tests": LISTS,
    "private_tests": {"input": [], "output": []},
    "generated_tests": {"input": ["7\n"], "output": ["14\n"]}, "cf_rating": 800, "source": 2,
    "solutions": {"language": [2, 3, 3], "solution": ["int main(){}", "x = 1", DOUBLE]},
    "incorrect_solutions": {
        "language": [2, 1, 3, 3, 3],
        "solution": ["int", "print 1", "y = 3\nz = 4", "print(3 * int(input()))", DOUBLE],
    },
    "time_limit": {"seconds": 1, "nanos": 500_000_000}, "memory_limit_bytes": 268435456,
    "input_file": "", "output_file": "",
}  # fmt: skip


def packed(text: str) -> str:
    """As LiveCodeBench packs its private tests."""
    return base64.b64encode(zlib.compress(pickle.dumps(text))).decode()


LCB: dict[str, Any] = {
    "question_title": "Twice", "question_content": "Double a number.", "question_id": "abc1",
    "starter_code": "", "difficulty": "easy", "platform": "atcoder",
    "public_test_cases": json.dumps([pair | {"testtype": "stdin"} for pair in PAIRS[:1]]),
    "private_test_cases": packed(json.dumps([pair | {"testtype": "stdin"} for pair in PAIRS[1:]])),
    "metadata": "{}",
}  # fmt: skip
SOLUTION = "class Solution:\n    def twice(self, x: int) -> int:\n"
LEET = LCB | {
    "starter_code": SOLUTION,
    "metadata": json.dumps({"func_name": "twice"}),
    "public_test_cases": json.dumps([{"input": "1", "output": "2", "testtype": "functional"}]),
    "private_test_cases": json.dumps([{"input": "5", "output": "10", "testtype": "functional"}]),
}


@pytest.fixture(scope="module")
def sources() -> dict[str, DatasetConfig]:
    stages = compose(R1, [f"+data@stages.{name}={name}" for name in SOURCES]).stages
    return {name: stages[name] for name in SOURCES}


@pytest.fixture(scope="module")
def pool():
    with VerifierPool(1, 5.0) as made:
        yield made


@pytest.fixture
def load(sources, make_context, tmp_path):
    """`load(source, *rows)`: what its stage makes of a file of these rows, and the funnel."""

    def _load(source: str, *rows: dict[str, Any], name: str = "train", **changes: Any):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        context = make_context(tmp_path / "stage", stage=source)
        config = dataclasses.replace(sources[source], path=str(path), **changes)
        outputs = run(config, {}, context)
        return read_rows(context.output / "rows.parquet"), dict(outputs.funnel)

    return _load


def facts(row: dict[str, Any]) -> dict[str, Any]:
    return json.loads(row["metadata"])


def score(pool: VerifierPool, row: dict[str, Any], answer: str) -> float | None:
    return pool.verify([request_of(row, answer)])[0].score


def test_each_code_source_says_what_is_known_of_it(sources):
    for name, config in sources.items():
        assert config.about.licence, name
        assert config.about.home == config.path, name
        assert config.about.defects, name


# NeMo Gym ---------------------------------------------------------------------------------------


def test_real_rows_of_nemo_gym_are_problems_without_their_frame(load):
    rows, funnel = load("nemotron_code", *NEMO)
    assert funnel == {"read": 3, "several_right_outputs": 1, "kept": 2}
    first = rows[0]["prompt"][0]["content"]
    assert first.startswith("Mikhail walks on a Cartesian plane.")
    assert first.endswith("Write a Python program that reads stdin, writes stdout.")
    assert "helpful and harmless" not in first
    assert (len(facts(rows[0])["inputs"]), facts(rows[0])["tests_left_out"]) == (24, 73)


def test_a_real_row_is_judged_by_its_tests(load, pool):
    row = load("nemotron_code", *NEMO)[0][0]
    solved = (
        "for _ in range(int(input())):\n    n, m, k = map(int, input().split())\n"
        "    n, m = max(n, m), min(n, m)\n"
        "    if n > k: print(-1)\n"
        "    elif (n + m) % 2: print(k - 1)\n"
        "    else: print(k - 2 if (n + k) % 2 else k)"
    )
    assert score(pool, row, solved) == 1.0
    assert score(pool, row, solved.replace("k - 2", "k - 1")) == 0.0


def test_no_row_of_the_validation_file_is_taken(load):
    with pytest.raises(RecipeError, match="livecodebench_validation: 3"):
        load("nemotron_code", *NEMO, name="validation")
    with pytest.raises(RecipeError, match="livecodebench_validation: 3"):
        load("nemotron_code", *NEMO, split="validation")


def nemo(inputs: Any, outputs: Any) -> dict[str, Any]:
    return NEMO[1] | {"verifier_metadata": {"unit_tests": {"inputs": inputs, "outputs": outputs}}}


@pytest.mark.parametrize(
    ("inputs", "outputs", "count"),
    [
        ([], [], "unreadable_row"),
        (["1"], ["1", "2"], "unreadable_row"),
        ([[1]], [[1]], "does_not_fit"),
        (["1", "1"], ["1", "2"], "unreadable_row"),
        (["1"], ["  "], "unreadable_row"),
        (["1 " * 100_000], ["1"], "too_large"),
    ],
)
def test_a_row_that_nothing_could_be_judged_by_is_left_out(load, inputs, outputs, count):
    _, funnel = load("nemotron_code", NEMO[1], nemo(inputs, outputs))
    assert funnel == {"read": 2, count: 1, "kept": 1}


def test_a_file_of_other_columns_stops_the_stage(load):
    row = {name: value for name, value in NEMO[1].items() if name != "verifier_metadata"}
    with pytest.raises(RecipeError, match=r"row 1: no column `verifier_metadata`.*found responses"):
        load("nemotron_code", row)


# Codeforces -------------------------------------------------------------------------------------


def test_problems_of_codeforces_have_its_limits_and_its_words(load, pool):
    (row,), funnel = load("codeforces", FORCES, FORCES | {"language": "cpp"})
    assert funnel == {"read": 2, "not_asked_for": 1, "kept": 1}
    said = facts(row)
    assert (said["test_seconds"], said["seconds"], said["memory_mb"]) == (2.0, 60.0, 512.0)
    text = row["prompt"][0]["content"]
    assert text.index("Double a number.") < text.index("## Input") < text.index("## Example")
    assert score(pool, row, DOUBLE) == 1.0


def test_a_checker_of_codeforces_decides_and_is_proved(load, pool):
    any_ = FORCES | {"description": "Print any number.", "generated_checker": CHECKER}
    rows, funnel = load("codeforces", any_, any_ | {"generated_checker": None})
    assert funnel == {"read": 2, "several_right_outputs": 1, "kept": 1}
    assert score(pool, rows[0], "print(123)") == 1.0
    assert check_references([row | {"id": "a"} for row in rows], pool) == []


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({"interaction_format": "Ask and be told."}, "interactive"),
        ({"official_tests": []}, "unreadable_row"),
        ({"official_tests": None}, "unreadable_row"),
        ({"official_tests": [{"input": "1"}]}, "does_not_fit"),
        ({"input_mode": "socket"}, "does_not_fit"),
        ({"generated_checker": "print(1"}, "unreadable_row"),
        ({"generated_checker": "print(eval(input()))"}, "unreadable_row"),
    ],
)
def test_what_cannot_be_judged_of_codeforces_is_left_out(load, change, count):
    assert load("codeforces", FORCES, FORCES | change)[1] == {"read": 2, count: 1, "kept": 1}


def test_a_checker_that_is_none_is_named_with_its_column(load, tmp_path):
    load("codeforces", FORCES, FORCES | {"generated_checker": "print(1"})
    (left,) = read_rows(next(tmp_path.rglob("left_out.parquet")))
    said = "column `generated_checker` is 'print(1', expected a checker: `checker` is no Python"
    assert said in left["detail"]


def test_file_mode_reads_and_writes_files(load, pool):
    (row,), _ = load("codeforces", FORCES | {"input_mode": "file"})
    assert "reads input.txt, writes output.txt" in row["prompt"][0]["content"]
    assert score(pool, row, DOUBLE) == 0.0
    program = "print(2 * int(open('input.txt').read()), file=open('output.txt', 'w'))"
    assert score(pool, row, program) == 1.0


def test_an_error_that_the_statement_allows_is_allowed(load, pool):
    told = "Double it. The absolute or relative error should not exceed $10^{-4}$."
    (row,), _ = load("codeforces", FORCES | {"description": told})
    assert facts(row)["tolerance"] == pytest.approx(1e-4)
    assert score(pool, row, "print(2 * int(input()) + 0.00001)") == 1.0
    assert score(pool, row, "print(2 * int(input()) + 0.01)") == 0.0


# DeepCoder --------------------------------------------------------------------------------------


LINES = {"inputs": [["1"], ["5"]], "outputs": [["2"], ["10"]]}


@pytest.mark.parametrize(
    "row", [DEEP, *(DEEP | {"tests": json.dumps(tests)} for tests in (STREAMS, LINES)), CALLED]
)
def test_rows_of_deepcoder_prove_themselves(load, pool, row):
    rows, funnel = load("deepcoder", row)
    assert funnel == {"read": 1, "kept": 1}
    assert rows[0]["reference"]
    assert check_references(rows, pool) == []


def test_a_result_in_a_list_of_one_is_that_list_or_its_element(load, pool):
    (row,), _ = load("deepcoder", CALLED)
    assert row["prompt"][0]["content"].endswith("Write it in Python, as `twice`.")
    for body, right in (("2 * x", 1.0), ("[2 * x]", 1.0), ("3 * x", 0.0)):
        assert score(pool, row, f"def twice(x): return {body}") == right


# To be mended -----------------------------------------------------------------------------------


def test_the_wrong_program_that_is_nearest_to_a_right_one_is_to_be_mended(load, pool):
    (row,), funnel = load("code_contests_bugfix", BUG)
    said = facts(row)
    assert funnel == {"read": 1, "kept": 1}
    assert said["wrong"] not in (DOUBLE, "print 1", "int")
    assert f"```python\n{said['wrong']}\n```" in row["prompt"][0]["content"]
    assert (said["test_seconds"], said["inputs"]) == (3.0, ["1\n", "5\n", "7\n"])
    assert score(pool, row, DOUBLE) == 1.0
    assert score(pool, row, said["wrong"]) == 0.0


def test_problems_without_two_programs_in_python_are_counted(load):
    only_cpp = BUG | {"incorrect_solutions": {"language": [2], "solution": ["int"]}}
    funnel = load("code_contests_bugfix", BUG, only_cpp)[1]
    assert funnel == {"read": 2, "no_wrong_and_right_python": 1, "kept": 1}


# LiveCodeBench ----------------------------------------------------------------------------------


@pytest.mark.parametrize("private", ["packed", "plain"])
def test_private_tests_of_livecodebench_are_read(load, pool, private):
    plain = json.dumps([pair | {"testtype": "stdin"} for pair in PAIRS[1:]])
    row = LCB if private == "packed" else LCB | {"private_test_cases": plain}
    (found,), _ = load("livecodebench", row)
    assert facts(found)["inputs"] == ["1\n", "5\n"]
    assert score(pool, found, DOUBLE) == 1.0
    assert score(pool, found, "print(2)") == 0.0


def test_calls_of_livecodebench_begin_with_its_code(load, pool):
    (row,), _ = load("livecodebench", LEET)
    assert SOLUTION.strip() in row["prompt"][0]["content"]
    assert score(pool, row, SOLUTION + "        return 2 * x") == 1.0
    assert score(pool, row, SOLUTION + "        return 2") == 0.0


class Touch:
    """What runs when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda path: pickle.dumps(Touch(path)), "a pickle with STACK_GLOBAL|GLOBAL"),
        (lambda path: pickle.dumps(["[]"]), "a pickle with EMPTY_LIST"),
        (lambda path: pickle.dumps(b"[]"), "a pickle with SHORT_BINBYTES"),
        (lambda path: b"cos\nsystem\n.", "a pickle with GLOBAL"),
        (lambda path: b"nonsense", "no pickle"),
    ],
)
def test_nothing_is_unpickled(load, tmp_path, made, said):
    path = tmp_path / "ran"
    content = base64.b64encode(zlib.compress(made(path))).decode()
    with pytest.raises(RecipeError, match=f"row 1: column `private_test_cases` is {said}"):
        load("livecodebench", LCB | {"private_test_cases": content})
    assert not path.exists()


def test_private_tests_that_are_cut_stop_the_stage(load):
    cut = LCB["private_test_cases"][:-8]
    with pytest.raises(RecipeError, match=r"private_test_cases` is (no base64|cut)"):
        load("livecodebench", LCB | {"private_test_cases": cut})


# Which tests are kept ---------------------------------------------------------------------------


def sized(*sizes: int) -> list[CodeTest]:
    return [CodeTest(f"{n} ".ljust(size), "") for n, size in enumerate(sizes)]


def test_few_tests_are_all_kept_in_their_order():
    tests = sized(30, 10, 20)
    assert kept_tests(tests, CodeTests(), several=False) == tests


def test_of_many_tests_the_first_the_longest_and_some_of_each_length_are_kept():
    tests = sized(5, *range(100, 200))
    kept = [tests.index(test) for test in kept_tests(tests, CodeTests(most=9), several=False)]
    assert kept == sorted(kept)
    assert {0, 97, 98, 99, 100} <= set(kept)
    assert len(kept) == 9
    assert min(kept[1:]) == 1
    assert any(30 < place < 70 for place in kept)


def test_tests_that_are_too_long_make_room_for_others():
    tests = sized(5, *[400] * 10, 900, 2000)
    kept = kept_tests(tests, CodeTests(kilobytes=1), several=False)
    assert sum(test.size for test in kept) <= 1024
    assert kept[0] == tests[0]
    assert len(kept) == 3


def test_a_row_can_only_be_asked_for_whole_tests():
    config = DatasetConfig("dataset", seed=0, format="codeforces", path="x.jsonl")
    wrong = dataclasses.replace(config, tests=CodeTests(most=0, seconds=0.0))
    with pytest.raises(UsageError, match=r"tests.most.*(\n.*)*tests.seconds"):
        refuse(rules(wrong), "stages.x")


def test_long_rows_are_read_and_written_few_at_a_time(load, sources, make_context, tmp_path):
    texts = [f"{n}\n" * 20_000 for n in range(8)]
    rows = [nemo(texts, [str(n)] * 8) | {"hash_id": str(n)} for n in range(60)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    context = make_context(tmp_path / "stage", stage="x")
    tests = CodeTests(kilobytes=1024)
    path = str(tmp_path / "train.parquet")
    run(dataclasses.replace(sources["nemotron_code"], path=path, tests=tests), {}, context)
    with pq.ParquetFile(context.output / "rows.parquet") as file:
        assert file.metadata.num_rows == 60
        assert file.num_row_groups > 1
