"""A run as MLflow shows it: real SQLite, the real follower process, no mocks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.artifact import MANIFEST, METRICS, Artifact
from pipeline.errors import UsageError
from pipeline.hooks import Run, Silent
from pipeline.tracking import build_observer, command, send_later
from pipeline.tracking.journal import Journal
from pipeline.tracking.observer import NotSent, Tracker, destination

POINTS = 30
DEAD_SERVER = "http://127.0.0.1:9"  # the discard port: nobody listens


class Pipeline:
    """A run of two stages, told to an observer as the runner tells it."""

    def __init__(self, root: Path, flush_seconds: float = 60.0) -> None:
        self.root = root
        self.folder = root / "runs" / "20260101-000000-r1-tiny"
        (self.folder / "logs").mkdir(parents=True)
        self.config = {
            "paths": {"root": str(root)},
            "tracking": {"uri": None, "experiment": "r1", "flush_seconds": flush_seconds},
            "stages": {
                "zero": {"kind": "rl", "sampling": {"top_p": 1.0}, "data_from": ["prompts"]}
            },
        }
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.config))
        (self.folder / "logs" / "zero.log").write_text("step 1\n")
        self.work = root / "store" / ".work" / "zero"
        self.work.mkdir(parents=True)
        self.observer = build_observer(self.config)

    def start(self) -> None:
        run = Run(self.folder.name, self.folder, self.config, ("zero",), ("seed=1",))
        self.observer.run_started(run)
        config = self.config["stages"]["zero"]
        self.observer.stage_started("zero", "f" * 16, self.work, config)

    def log(self, first: int, last: int) -> None:
        with (self.work / METRICS).open("a") as file:
            for step in range(first, last + 1):
                point = {
                    "step": step,
                    "time": 1e9 + step,
                    "reward": step / 10,
                    "reward/format": 1.0,
                }
                file.write(json.dumps(point) + "\n")

    def finish(self) -> None:
        prompts = self.publish("prompts", "problems", "a" * 16, [])
        base = self.publish("base", "model", "b" * 16, [])
        inputs = [
            {"edge": "init_from", "stage": "base", "fingerprint": base.fingerprint},
            {"edge": "data_from", "stage": "prompts", "fingerprint": prompts.fingerprint},
        ]
        zero = self.publish("zero", "model", "f" * 16, inputs)
        (zero.path / METRICS).write_text((self.work / METRICS).read_text())
        self.observer.stage_finished("zero", zero)
        evaluation = self.evaluate(zero)
        self.observer.stage_started("eval_zero", "e" * 16, self.work / "none", {"kind": "evaluate"})
        self.observer.stage_finished("eval_zero", evaluation)
        self.observer.run_finished(self.report())

    def evaluate(self, model: Artifact) -> Artifact:
        estimate = {"pass_at_1": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 8}}
        facts = {"model": "zero", "overall": estimate, "by_group": {"reasoning": estimate}}
        inputs = [{"edge": "evaluates", "stage": "zero", "fingerprint": model.fingerprint}]
        return self.publish("eval_zero", "evaluation", "e" * 16, inputs, facts)

    def publish(
        self, stage: str, type_: str, fingerprint: str, inputs: list[Any], facts: Any = None
    ) -> Artifact:
        path = self.root / "store" / stage / fingerprint
        path.mkdir(parents=True)
        manifest = {
            "stage": stage,
            "type": type_,
            "fingerprint": fingerprint,
            "inputs": inputs,
            "facts": facts or {"rows": 3},
            "funnel": {},
            "seconds": 12.5,
            "host": {"peak_memory_mib": 100},
            "code": {"commit": "c0ffee"},
        }
        (path / MANIFEST).write_text(json.dumps(manifest))
        return Artifact(path, manifest)

    def report(self) -> Path:
        folder = self.folder / "report"
        (folder / "figures").mkdir(parents=True)
        (folder / "report.md").write_text("# It worked\n")
        (folder / "figures" / "stages.png").write_bytes(b"\x89PNG")
        facts = {
            "stages": {"zero": {"pass_at_1": {"value": 0.5}}},
            "claims": [{"id": 1, "verdict": "reproduced"}],
        }
        (folder / "facts.json").write_text(json.dumps(facts))
        return folder


class Seen:
    """What the MLflow store holds."""

    def __init__(self, root: Path) -> None:
        from mlflow import MlflowClient

        self.client = MlflowClient(f"sqlite:///{root}/mlflow.db")
        experiment = self.client.get_experiment_by_name("r1")
        assert experiment is not None
        self.experiment = experiment.experiment_id
        found = self.client.search_runs([self.experiment])
        self.runs = {run.info.run_name: self.client.get_run(run.info.run_id) for run in found}

    def curve(self, stage: str, metric: str) -> list[tuple[int, float]]:
        history = self.client.get_metric_history(self.runs[stage].info.run_id, metric)
        return sorted((point.step, point.value) for point in history)

    def files(self, stage: str, folder: str = "") -> set[str]:
        run_id = self.runs[stage].info.run_id
        return {file.path for file in self.client.list_artifacts(run_id, folder)}


def send_here(pipeline: Pipeline) -> int:
    """What the follower's process does, in this process: quicker, and its runner is gone."""
    from pipeline.tracking.follower import Follower
    from pipeline.tracking.view import View

    uri = f"sqlite:///{pipeline.root}/mlflow.db"
    view = View(uri, "r1", pipeline.folder, str(pipeline.root))
    return Follower(Journal(pipeline.folder), view, lambda: False, patience=1.0).follow()


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow exports what it was told in this process


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


def test_inputs_are_data_sets_and_models_by_reference(sent: tuple[Pipeline, Seen]) -> None:
    pipeline, seen = sent
    inputs = seen.runs["zero"].inputs
    (data,) = inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("prompts", "a" * 16)
    assert json.loads(data.dataset.source)["uri"].startswith(f"file://{pipeline.root}/store")
    base = seen.client.get_logged_model(inputs.model_inputs[0].model_id)
    assert base.tags["r1.fingerprint"] == "b" * 16
    (made,) = seen.runs["zero"].outputs.model_outputs
    (judged,) = seen.runs["eval_zero"].inputs.model_inputs
    assert made.model_id == judged.model_id


def test_each_model_is_registered_under_its_stage(sent: tuple[Pipeline, Seen]) -> None:
    pipeline, seen = sent
    (version,) = seen.client.search_model_versions("name = 'zero'")
    assert version.tags["r1.fingerprint"] == "f" * 16
    model = seen.client.get_logged_model(version.source.removeprefix("models:/"))
    assert model.tags["uri"] == f"file://{pipeline.root}/store/zero/{'f' * 16}/model"


def test_evaluations_verdicts_and_the_report_are_there(sent: tuple[Pipeline, Seen]) -> None:
    pipeline, seen = sent
    assert seen.runs["eval_zero"].data.metrics["reasoning/pass_at_1"] == 0.5
    parent = seen.runs[pipeline.folder.name]
    assert parent.data.metrics["zero/pass_at_1"] == 0.5
    assert parent.data.tags["claim.01"] == "reproduced"
    assert "config.yaml" in seen.files(pipeline.folder.name)
    assert seen.files(pipeline.folder.name, "report") >= {"report/report.md", "report/figures"}
    assert seen.files("zero") == {"manifest.json", "zero.log"}


def test_sending_a_run_again_adds_nothing(sent: tuple[Pipeline, Seen]) -> None:
    pipeline, before = sent
    assert send_here(pipeline) == 0
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
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert command([str(pipeline.folder)]) == 0
    assert "is in MLflow" in capsys.readouterr().out
    assert Seen(tmp_path).curve("zero", "reward") == [(1, 0.1), (2, 0.2), (3, 0.3)]


_DIES = """
import os, sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from test_tracking import Pipeline
pipeline = Pipeline(Path({root!r}))
pipeline.log(1, 5)
pipeline.start()
print(pipeline.observer.pid, flush=True)
os._exit(9)
"""


def test_a_runner_that_dies_leaves_its_runs_marked_as_killed(tmp_path: Path) -> None:
    code = _DIES.format(tests=str(Path(__file__).parent), root=str(tmp_path))
    died = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert died.returncode == 9, died.stderr
    _wait_for_end(int(died.stdout))
    seen = Seen(tmp_path)
    assert {run.info.status for run in seen.runs.values()} == {"KILLED"}
    assert len(seen.curve("zero", "reward")) == 5


def _wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.2)
    raise AssertionError("the follower outlived its runner by a minute")


def test_a_failed_stage_is_a_failed_child_with_its_message(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    journal = Journal(pipeline.folder)
    config = pipeline.config["stages"]["zero"]
    zero = {"stage": "zero", "fingerprint": "f" * 16, "work": str(pipeline.work), "config": config}
    journal.append("run_started", name=pipeline.folder.name, overrides=[])
    journal.append("stage_started", **zero)
    pipeline.log(1, 2)
    journal.append("stage_failed", stage="zero", message="out of memory")
    journal.append("run_finished", report=str(pipeline.report()))
    assert send_here(pipeline) == 0
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
