"""The whole recipe at its smallest, as a user runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import mlflow
import pyarrow.parquet as pq
import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.recipe.conftest import PROFILE, r1, stages

TABLE = ("base", "zero", "dev1", "dev2", "dev3", "r1", "student_qwen", "student_llama")


@pytest.fixture
def report(whole: Path) -> Path:
    return whole / "runs" / "latest" / "report"


def test_every_stage_is_done_and_the_base_that_ships_was_adopted(whole: Path) -> None:
    rows = stages(whole, "status", PROFILE)
    assert {row["state"] for row in rows.values()} == {"done"}
    ran = json.loads((whole / "runs" / "latest" / "run.json").read_text())["stages"]
    assert ran["base"]["ran_seconds"] is None
    assert ran["zero"]["ran_seconds"] > 0


def test_a_second_run_has_nothing_to_do_and_says_so(whole: Path) -> None:
    again = r1(whole, "run", PROFILE)
    assert again.returncode == 0
    assert "nothing to do" in again.stdout


def test_one_changed_number_reruns_its_stage_and_what_depends_on_it_only(whole: Path) -> None:
    rows = stages(whole, "plan", PROFILE, "stages.general_data.rows.direct=12")
    changed = {name for name, row in rows.items() if row["state"] != "done"}
    # student_rl stops where it has cost as much as student_qwen
    trained = {"dev3", "r1", "r1_overopt", "student_qwen", "student_llama", "student_rl"}
    rows_of = {"general_data", "general_data_clean", "sft_data"}
    assert changed == rows_of | trained | {f"eval_{name}" for name in trained}


def test_placement_changes_nothing(whole: Path) -> None:
    rows = stages(whole, "plan", PROFILE, "launcher.max_parallel=1", "stages.zero.micro_batch=7")
    assert {row["state"] for row in rows.values()} == {"done"}


def test_why_names_the_root_of_a_change(whole: Path) -> None:
    said = r1(whole, "why", "eval_dev1", PROFILE, "stages.zero.optimizer.learning_rate=0.5").stdout
    assert "zero" in said
    assert "learning_rate" in said
    assert "0.5" in said


def test_dev3_starts_from_the_base_and_not_from_dev2(whole: Path) -> None:
    def inputs(stage: str) -> set[tuple[str, str]]:
        manifest = next((whole / "store" / stage).glob("*/manifest.json"))
        return {(i["edge"], i["stage"]) for i in json.loads(manifest.read_text())["inputs"]}

    assert inputs("dev3") == {("init_from", "base"), ("data_from", "sft_data")}
    assert inputs("sft_data") == {
        ("data_from", "reasoning_data"),
        ("data_from", "general_data_clean"),
    }


def test_every_model_loads_in_plain_transformers_and_keeps_its_thoughts(whole: Path) -> None:
    for stage in TABLE:
        folder = next((whole / "store" / stage).glob("*/model"))
        model = AutoModelForCausalLM.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert model.config.vocab_size == len(tokenizer)
        said = tokenizer.apply_chat_template(
            [
                {"role": "user", "content": "1+2"},
                {"role": "assistant", "content": "<think>3</think>"},
            ],
            tokenize=False,
        )
        assert "<think>3</think>" in said


def test_kept_samples_are_right_and_their_funnel_adds_up(whole: Path) -> None:
    folder = next(
        path.parent for path in (whole / "store" / "reasoning_data").glob("*/manifest.json")
    )
    rows = pq.read_table(folder / "rows.parquet").to_pylist()
    assert rows
    assert {row["score"] for row in rows} == {1.0}
    funnel = json.loads((folder / "manifest.json").read_text())["funnel"]
    assert funnel["problems"] == funnel["asked"]
    names = list(funnel)
    between = names[names.index("sampled") + 1 : names.index("kept")]
    dropped = sum(funnel[reason] for reason in between)
    assert funnel["sampled"] == dropped + funnel["kept"]
    assert funnel["kept"] == len(rows)


def test_the_report_has_the_table_the_ten_claims_and_the_figures(report: Path) -> None:
    text = (report / "report.md").read_text()
    assert "| base | zero | dev1 | dev2 | dev3 | r1 |" in text
    for figure in ("rl_curves", "stages", "students", "budget"):
        assert (report / "figures" / f"{figure}.png").stat().st_size > 10_000
        with (report / "figures" / f"{figure}.csv").open() as file:
            assert list(csv.DictReader(file))


def test_the_report_is_the_same_for_machines(whole: Path) -> None:
    facts = json.loads(r1(whole, "report", PROFILE, "--json").stdout)
    assert len(facts["claims"]) == 10
    verdicts = {"reproduced", "not reproduced", "undecided", "not run"}
    assert {c["verdict"] for c in facts["claims"]} <= verdicts
    assert set(TABLE) <= set(facts["stages"])
    assert {"value", "low", "high", "n"} <= set(facts["stages"]["zero"]["pass_at_1"])
    assert facts["seconds"]["zero"] > 0


def test_mlflow_has_a_parent_run_with_a_child_per_stage_and_registered_models(whole: Path) -> None:
    # A slow machine may not have sent all within tracking.flush_seconds of the run's end.
    assert r1(whole, "track", str(whole / "runs" / "latest")).returncode == 0
    client = mlflow.MlflowClient(f"sqlite:///{whole}/mlflow.db")
    experiments = [e.experiment_id for e in client.search_experiments()]
    runs = client.search_runs(experiments)
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert len(parents) == 1
    children = {run.info.run_name: run for run in runs if run is not parents[0]}
    assert {"zero", "dev3", "r1", "eval_r1"} <= set(children)
    zero = children["zero"]
    curve = client.get_metric_history(zero.info.run_id, "reward/accuracy")
    assert [point.step for point in curve] == [1, 2]
    quantities = {"length", "language_consistency", "checking_words", "truncation", "entropy", "kl"}
    assert quantities | {"zero_signal_groups", "reward/format"} <= set(zero.data.metrics)
    assert any("zero" in model.name for model in client.search_registered_models())
