"""A run as MLflow shows it: real SQLite, the real follower process, no mocks."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pipeline.errors import UsageError
from pipeline.hooks import Silent
from pipeline.tracking import build_observer, command, send_later
from pipeline.tracking.delivery import unsent
from pipeline.tracking.destination import destination
from pipeline.tracking.journal import Journal
from pipeline.tracking.observer import NotSent, Tracker
from tests.tracking.told_runs import Pipeline, Seen, send_here

HERE = Path(__file__).parent
POINTS = 30
DEAD_SERVER = "http://me:hunter2@127.0.0.1:9"  # the discard port: nobody listens


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, Seen]:
    """A finished run, sent while it ran."""
    pipeline = Pipeline(tmp_path_factory.mktemp("run"))
    pipeline.start()
    pipeline.log(1, POINTS)
    pipeline.finish()
    return pipeline, Seen(pipeline.root)


def test_a_run_is_a_parent_with_a_child_for_each_stage(sent: tuple[Pipeline, Seen]) -> None:
    pipeline, seen = sent
    parent, child = seen.runs[pipeline.folder.name], seen.runs["zero"]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert {run.info.status for run in seen.runs.values()} == {"FINISHED"}
    assert parent.data.tags["mlflow.source.name"] == "r1 run seed=1"
    assert child.data.tags["r1.fingerprint"] == "f" * 16
    assert child.data.tags["r1.kind"] == "rl"
    assert child.data.tags["mlflow.source.git.commit"] == "c0ffee"
    expected = {"kind": "rl", "sampling.top_p": "1.0", "data_from": '["prompts"]'}
    assert child.data.params == expected


def test_the_curves_have_their_steps_and_nothing_twice(sent: tuple[Pipeline, Seen]) -> None:
    _, seen = sent
    assert seen.curve("zero", "reward") == [(step, step / 10) for step in range(1, POINTS + 1)]
    assert len(seen.curve("zero", "reward/format")) == POINTS
    first = seen.client.get_metric_history(seen.runs["zero"].info.run_id, "reward")[0]
    assert first.timestamp == 1000 * (10**9 + first.step)


def test_the_run_above_shows_the_headline_curves_of_its_stages(
    sent: tuple[Pipeline, Seen],
) -> None:
    pipeline, seen = sent
    above = seen.curve(pipeline.folder.name, "reward/zero")
    assert above == seen.curve("zero", "reward")
    assert not seen.curve(pipeline.folder.name, "reward/format/zero")


def test_every_run_says_what_started_it_and_which_rows_it_took_and_made(
    sent: tuple[Pipeline, Seen],
) -> None:
    pipeline, seen = sent
    assert {run.data.tags["mlflow.source.name"] for run in seen.runs.values()} == {"r1 run seed=1"}
    rows = {
        name: [(d.dataset.name, d.tags[0].value) for d in run.inputs.dataset_inputs]
        for name, run in seen.runs.items()
    }
    assert rows["zero"] == rows[pipeline.folder.name] == [("prompts", "training")]
    assert rows["eval_zero"] == [("eval_zero", "made")]
    samples = seen.runs["eval_zero"].inputs.dataset_inputs[0].dataset
    assert json.loads(samples.profile)["num_rows"] == 3
    columns = json.loads(samples.schema)["mlflow_colspec"]
    assert [column["name"] for column in columns] == ["id", "score"]


def test_an_experiment_that_was_there_before_gets_the_pages_of_training(
    database: Path, tmp_path: Path
) -> None:
    shutil.copy(database, tmp_path)
    Pipeline(tmp_path).tell()
    assert send_here(tmp_path) == 0
    experiment = Seen(tmp_path).client.get_experiment_by_name("r1")
    assert experiment is not None
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_inputs_are_data_sets_and_models_by_reference(sent: tuple[Pipeline, Seen]) -> None:
    _, seen = sent
    inputs = seen.runs["zero"].inputs
    (data,) = inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("prompts", "a" * 16)
    assert json.loads(data.dataset.source)["uri"] == f"store/prompts/{'a' * 16}/rows.parquet"
    assert seen.runs["zero"].data.tags["r1.artifact"] == f"store/zero/{'f' * 16}"
    base = seen.client.get_logged_model(inputs.model_inputs[0].model_id)
    assert base.tags["r1.fingerprint"] == "b" * 16
    (made,) = seen.runs["zero"].outputs.model_outputs
    (judged,) = seen.runs["eval_zero"].inputs.model_inputs
    assert made.model_id == judged.model_id


def test_each_model_is_registered_under_its_stage(sent: tuple[Pipeline, Seen]) -> None:
    _, seen = sent
    (version,) = seen.client.search_model_versions("name = 'zero'")
    assert version.tags["r1.fingerprint"] == "f" * 16
    model = seen.client.get_logged_model(version.source.removeprefix("models:/"))
    assert model.tags["uri"] == f"store/zero/{'f' * 16}/model"
    assert model.tags["mlflow.source.name"] == "r1 run seed=1"


def test_evaluations_verdicts_and_the_report_are_there(sent: tuple[Pipeline, Seen]) -> None:
    pipeline, seen = sent
    assert seen.runs["eval_zero"].data.metrics["reasoning/pass_at_1"] == 0.5
    parent = seen.runs[pipeline.folder.name]
    assert parent.data.metrics["pass_at_1/zero"] == 0.5
    assert parent.data.tags["claim.01"] == "reproduced"
    assert "config.yaml" in seen.files(pipeline.folder.name)
    assert seen.files(pipeline.folder.name, "report") >= {"report/report.md", "report/figures"}
    assert seen.files("zero") == {"manifest.json", "zero.log"}


def test_an_evaluation_shows_some_of_its_completions(
    sent: tuple[Pipeline, Seen], tmp_path: Path
) -> None:
    _, seen = sent
    run = seen.runs["eval_zero"]
    file = seen.client.download_artifacts(run.info.run_id, "samples.json", str(tmp_path))
    table = json.loads(Path(file).read_text())
    assert table["columns"] == ["id", "score"]
    assert len(table["data"]) == 2
    assert "samples.json" in run.data.tags["mlflow.loggedArtifacts"]


def test_sending_a_run_again_adds_nothing(sent: tuple[Pipeline, Seen]) -> None:
    pipeline, before = sent
    assert send_here(pipeline.root) == 0
    after = Seen(pipeline.root)
    assert {r.info.run_id for r in after.runs.values()} == {
        r.info.run_id for r in before.runs.values()
    }
    assert len(after.client.search_runs([after.experiment])) == 3
    assert after.curve("zero", "reward") == before.curve("zero", "reward")
    assert len(after.client.search_model_versions("name = 'zero'")) == 1
    assert len(after.runs["zero"].inputs.dataset_inputs) == 1


def test_a_server_that_is_away_stops_nothing_and_the_run_can_be_sent_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", DEAD_SERVER)
    pipeline = Pipeline(tmp_path, flush_seconds=0.5)
    pipeline.log(1, 3)
    pipeline.start()
    with pytest.raises(NotSent, match="r1 track"):
        pipeline.finish()
    assert isinstance(pipeline.observer, Tracker)
    assert pipeline.observer.wait(60) != 0
    files = [path for path in pipeline.folder.rglob("*.*") if path.is_file()]
    text = "".join(path.read_text(errors="replace") for path in files)
    assert "127.0.0.1" in text
    assert "hunter2" not in text
    ((name, words),) = unsent(pipeline.folder.parent)
    assert name == pipeline.folder.name
    assert "no answer for 0.5 s after the run's end" in words
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert command([str(pipeline.folder)]) == 0
    assert "is in MLflow" in capsys.readouterr().out
    assert not list(unsent(pipeline.folder.parent))
    assert Seen(tmp_path).curve("zero", "reward") == [(1, 0.1), (2, 0.2), (3, 0.3)]


_DIES = """
import os, sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {home!r}]
from told_runs import Pipeline
pipeline = Pipeline(Path({root!r}))
pipeline.log(1, 5)
pipeline.start()
print(pipeline.observer.pid, flush=True)
os._exit(9)
"""


def test_a_runner_that_dies_leaves_its_runs_marked_as_killed(tmp_path: Path) -> None:
    code = _DIES.format(tests=str(HERE), home=str(HERE.parents[1]), root=str(tmp_path))
    died = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert died.returncode == 9, died.stderr
    _wait_for_end(int(died.stdout))
    seen = Seen(tmp_path)
    assert {run.info.status for run in seen.runs.values()} == {"KILLED"}
    assert len(seen.curve("zero", "reward")) == 5


def _wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 60
    with contextlib.suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "the follower outlived its runner by a minute"
            time.sleep(0.2)


def test_a_failed_stage_is_a_failed_child_with_its_message(database: Path, tmp_path: Path) -> None:
    shutil.copy(database, tmp_path)
    pipeline = Pipeline(tmp_path)
    pipeline.log(1, 2)
    pipeline.tell(
        pipeline.zero_started,
        ("stage_failed", {"stage": "zero", "message": "out of memory"}),
        ("run_finished", {"report": str(pipeline.report())}),
    )
    assert send_here(tmp_path) == 0
    seen = Seen(tmp_path)
    assert seen.runs["zero"].info.status == "FAILED"
    assert seen.runs["zero"].data.tags["mlflow.note.content"] == "out of memory"
    assert seen.runs[pipeline.folder.name].info.status == "FAILED"
    assert len(seen.curve("zero", "reward")) == 2


def test_without_tracking_nothing_is_observed_and_mlflow_is_not_imported(tmp_path: Path) -> None:
    assert isinstance(build_observer({"tracking": {"experiment": None}}), Silent)
    assert isinstance(build_observer({}), Silent)
    code = "import sys, pipeline.tracking; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_environment_names_the_server_before_the_config_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert destination({"tracking": {"uri": None}}, "/data") == "sqlite:////data/mlflow.db"
    assert destination({"tracking": {"uri": "http://a"}}, "/data") == "http://a"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://b")
    assert destination({"tracking": {"uri": "http://a"}}, "/data") == "http://b"


def test_a_folder_without_a_journal_cannot_be_sent(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give the folder of a run"):
        send_later(tmp_path)


def test_half_a_line_in_the_journal_costs_that_event_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append("run_started", name="x")
    with journal.path.open("ab") as file:
        file.write(b'\xff\n[]\n{"event": 7}\n{"event": "stage_sta')  # the disk was full
    journal.append("stage_failed", stage="zero", message="half a pair: \ud83d")
    journal.append("run_finished")
    events = [event["event"] for event in journal.new()]
    assert events == ["run_started", "stage_failed", "run_finished"]
    assert journal.started()["name"] == "x"
    assert journal.is_over()


def test_the_journal_is_read_in_whole_lines(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append("run_started", name="x")
    with journal.path.open("a") as file:
        file.write('{"event": "run_fini')
    assert [event["event"] for event in journal.new()] == ["run_started"]
    assert not journal.is_over()
    with journal.path.open("a") as file:
        file.write('shed"}\n')
    assert [event["event"] for event in journal.new()] == ["run_finished"]
    assert journal.is_over()
