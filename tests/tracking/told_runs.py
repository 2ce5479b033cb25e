"""A run of two stages told as the runner tells it, and what MLflow holds of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from pipeline import manifest
from pipeline.artifact import METRICS, Artifact
from pipeline.hooks import Run
from pipeline.tracking import build_observer
from pipeline.tracking.journal import Journal
from stages.project import R1

NAME = "20260101-000000-r1-tiny"


class Pipeline:
    """A run of two stages, told to an observer as the runner tells it."""

    def __init__(self, root: Path, flush_seconds: float = 60.0, name: str = NAME) -> None:
        self.root = root
        self.folder = root / "runs" / name
        (self.folder / "logs").mkdir(parents=True)
        self.config = {
            "paths": {"root": str(root)},
            "tracking": {
                "uri": None,
                "experiment": "r1",
                "headlines": ["reward"],
                "samples": {"of_each": 2, "seed": 0},
                "flush_seconds": flush_seconds,
            },
            "stages": {
                "zero": {"kind": "rl", "sampling": {"top_p": 1.0}, "data_from": ["prompts"]}
            },
        }
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.config))
        (self.folder / "logs" / "zero.log").write_text("step 1\n")
        self.work = root / "store" / ".work" / "zero"
        self.work.mkdir(parents=True, exist_ok=True)
        zero = {"stage": "zero", "fingerprint": "f" * 16, "work": str(self.work)}
        self.zero_started = ("stage_started", zero | {"config": self.config["stages"]["zero"]})
        self.observer = build_observer(self.config, R1.results)

    def tell(self, *events: tuple[str, dict[str, Any]]) -> None:
        """Write the journal alone: no process sends it."""
        journal = Journal(self.folder)
        begun = {"name": self.folder.name, "overrides": ["seed=1"], "stages": ["zero"]}
        journal.append("run_started", root=str(self.root), pid=os.getpid(), **begun)
        for event, facts in events:
            journal.append(event, **facts)

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
        zero, evaluation = self.results()
        self.observer.stage_finished("zero", zero)
        self.observer.stage_started("eval_zero", "e" * 16, self.work / "none", {"kind": "evaluate"})
        self.observer.stage_finished("eval_zero", evaluation)
        self.observer.run_finished(self.report())

    def finish_quietly(self) -> None:
        """The journal of the same run, that no process sends."""
        zero, evaluation = self.results()
        begun = {"stage": "eval_zero", "fingerprint": "e" * 16, "work": str(self.work / "none")}
        self.tell(
            self.zero_started,
            ("stage_finished", {"stage": "zero", "artifact": str(zero.path)}),
            ("stage_started", begun | {"config": {"kind": "evaluate"}}),
            ("stage_finished", {"stage": "eval_zero", "artifact": str(evaluation.path)}),
            ("run_finished", {"report": str(self.report())}),
        )

    def results(self) -> tuple[Artifact, Artifact]:
        prompts = self.publish("prompts", "problems", "a" * 16, [])
        base = self.publish("base", "model", "b" * 16, [])
        inputs = [
            {"edge": "init_from", "stage": "base", "fingerprint": base.fingerprint},
            {"edge": "data_from", "stage": "prompts", "fingerprint": prompts.fingerprint},
        ]
        zero = self.publish("zero", "model", "f" * 16, inputs)
        (zero.path / METRICS).write_text((self.work / METRICS).read_text())
        return zero, self.evaluate(zero)

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
        said = {
            "stage": stage,
            "type": type_,
            "fingerprint": fingerprint,
            "inputs": inputs,
            "facts": facts or {"rows": 3},
            "funnel": {},
            "seconds": 12.5,
            "host": {"peak_memory_mib": 100},
            "code": {"commit": "c0ffee"},
            "created": "2026-01-01T00:00:00+00:00",
            "identity": {},
            "files": {},
        }
        published = manifest.write(path, said)
        if type_ != "model":
            rows = {"id": ["a", "b", "c"], "score": [1.0, 0.0, 1.0]}
            name = "samples.parquet" if type_ == "evaluation" else "rows.parquet"
            pq.write_table(pa.table(rows), path / name)
        return Artifact(path, published)

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


def send_here(root: Path, folder: Path | None = None) -> int:
    """What the follower's process does, in this process: quicker, and its runner is gone."""
    from pipeline.tracking.follower import Follower, open_view

    folder = folder or root / "runs" / NAME
    config = yaml.safe_load((folder / "config.yaml").read_text())
    view = open_view(folder, config, config["paths"]["root"], R1.results)
    code = Follower(Journal(folder), view, lambda: False, patience=1.0).follow()
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow exports what it was told
    return code
