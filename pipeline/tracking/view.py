"""The MLflow calls: one parent run per pipeline run, one child per stage attempt.

Everything is found by tags before it is made, so that each event can be told again: after a lost
answer, or by `send_later`. Models and rows are logged by reference; nothing large is copied.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Metric, Param, Run, RunTag

import pipeline
from pipeline import manifest
from pipeline.artifact import MANIFEST, METRICS, Artifact
from pipeline.hooks import Results, Tracked
from pipeline.metrics import Point
from pipeline.run_folder import REPORT_FACTS
from pipeline.tracking.curves import Tail
from pipeline.tracking.journal import Event
from pipeline.tracking.lineage import Lineage
from pipeline.tracking.places import Places, files
from pipeline.tracking.words import flat, metric_name, numbers, results, tags, text

FINISHED, FAILED, KILLED = "FINISHED", "FAILED", "KILLED"
PARAMS_AT_ONCE, METRICS_AT_ONCE = 100, 1000  # what MLflow takes in one call
#: MLflow shows the pages of model training, not those of GenAI applications.
TRAINING_PAGES = {"mlflow.experimentKind": "custom_model_development"}


@dataclass
class Child:
    """A stage attempt that is not finished yet; `work` is where its curve is."""

    stage: str
    run_id: str
    work: Path
    tail: Tail = field(default_factory=Tail)


class View:
    """One pipeline run in MLflow."""

    def __init__(
        self,
        uri: str,
        tracking: Mapping[str, Any],
        folder: Path,
        places: Places,
        said: Results,
    ) -> None:
        """tracking: the config of that name. said: what the project shows of its results."""
        mlflow.set_tracking_uri(uri)
        self._client = mlflow.MlflowClient(uri)
        self._artifacts = files(places.root) if uri.startswith("sqlite:") else None
        self._experiment_name = str(tracking["experiment"])
        self._headlines = frozenset(tracking.get("headlines") or ())
        self._samples = tracking.get("samples")
        self._folder = folder
        self._places = places
        self._said = said
        self._source: dict[str, str] = {}
        self._experiment = ""
        self._parent = ""
        self._attempts: dict[str, int] = {}
        self._children: dict[str, Child] = {}
        self._failed = False

    def tell(self, event: Event) -> None:
        """Send one event of the journal."""
        getattr(self, f"_{event['event']}")(event)

    def send_curves(self) -> None:
        """Send the new points of every stage that runs."""
        for child in self._children.values():
            self._send_curve(child)

    def _run_started(self, event: Event) -> None:
        self._experiment = self._find_experiment()
        self._source = {
            "mlflow.source.name": " ".join(["r1 run", *event["overrides"]]),
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": manifest.commit(Path(pipeline.__file__).parents[1]) or "",
        }
        tags = {"r1.run": event["name"], "r1.stage": "", **self._source}
        run = self._find_or_create(event["name"], tags, event["time"])
        self._parent = run.info.run_id
        self._client.log_artifact(self._parent, str(self._folder / "config.yaml"))

    def _stage_started(self, event: Event) -> None:
        stage = event["stage"]
        if stage in self._children:  # another runner held it, and it starts again
            self._end(self._children.pop(stage).run_id, KILLED, event["time"])
        attempt = self._attempts.get(stage, 0) + 1
        tags = {
            "r1.run": self._folder.name,
            "r1.stage": stage,
            "r1.attempt": str(attempt),
            "r1.kind": str(event["config"].get("kind", "")),
            "r1.fingerprint": event["fingerprint"],
            "mlflow.parentRunId": self._parent,
            **self._source,
        }
        run = self._find_or_create(stage, tags, event["time"])
        params = [Param(key, text(value)) for key, value in flat(event["config"])]
        for start in range(0, len(params), PARAMS_AT_ONCE):
            self._client.log_batch(
                run.info.run_id, params=params[start : start + PARAMS_AT_ONCE], synchronous=True
            )
        self._attempts[stage] = attempt
        self._children[stage] = Child(stage, run.info.run_id, self._places.found(event["work"]))

    def _stage_finished(self, event: Event) -> None:
        child = self._children.get(event["stage"])
        if child is None:
            return
        path = self._places.found(event["artifact"])
        artifact = Artifact(path, manifest.read(path))
        child.work = path
        self._send_curve(child)
        self._send_numbers(child.run_id, results(artifact), event["time"])
        self._send_tags(child.run_id, tags(artifact, self._places.named))
        self._send_tracked(child.run_id, self._said.tracked(artifact), event["time"])
        lineage = Lineage(
            self._client, self._experiment, self._source, self._places.named, self._said.models
        )
        lineage.log(child.run_id, artifact, self._parent)
        self._send_table(child.run_id, path)
        self._client.log_artifact(child.run_id, str(path / MANIFEST))
        self._send_log(child.run_id, event["stage"])
        self._end(child.run_id, FINISHED, event["time"])
        del self._children[event["stage"]]

    def _stage_failed(self, event: Event) -> None:
        child = self._children.get(event["stage"])
        if child is None:
            return
        self._send_curve(child)
        self._send_tags(child.run_id, {"mlflow.note.content": event["message"][:4000]})
        self._send_log(child.run_id, event["stage"])
        self._end(child.run_id, FAILED, event["time"])
        self._failed = True
        del self._children[event["stage"]]

    def _run_finished(self, event: Event) -> None:
        for stage, child in list(self._children.items()):
            self._send_curve(child)
            self._send_log(child.run_id, stage)
            self._end(child.run_id, KILLED, event["time"])
            del self._children[stage]
        if event["report"]:
            self._send_report(self._places.found(event["report"]), event["time"])
        ended = FINISHED if event["report"] else KILLED
        self._end(self._parent, FAILED if self._failed else ended, event["time"])

    def _send_report(self, folder: Path, time: float) -> None:
        self._client.log_artifacts(self._parent, str(folder), "report")
        facts = json.loads((folder / REPORT_FACTS).read_text())
        self._send_tracked(self._parent, self._said.tracked_report(facts), time)

    def _send_tracked(self, run_id: str, found: Tracked, time: float) -> None:
        self._send_numbers(run_id, numbers(found.numbers), time)
        if found.tags:
            self._send_tags(run_id, found.tags)

    def _send_table(self, run_id: str, artifact: Path) -> None:
        """Rows of a stage, as a table that MLflow shows beside its runs."""
        table = None if self._samples is None else self._said.table(artifact, self._samples)
        if table is None:
            return
        file = f"{table.name}.json"
        self._client.log_dict(run_id, {"columns": table.columns, "data": table.rows}, file)
        listed = json.dumps([{"path": file, "type": "table"}])
        self._send_tags(run_id, {"mlflow.loggedArtifacts": listed})

    def _find_experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment_name)
        if found is not None:
            for key in TRAINING_PAGES.keys() - found.tags.keys():
                self._client.set_experiment_tag(found.experiment_id, key, TRAINING_PAGES[key])
            return str(found.experiment_id)
        made = self._client.create_experiment(
            self._experiment_name, artifact_location=self._artifacts, tags=TRAINING_PAGES
        )
        return str(made)

    def _find_or_create(self, name: str, tags: Mapping[str, str], time: float) -> Run:
        """A run is known by its pipeline run, its stage and which attempt it is."""
        keys = ("r1.run", "r1.stage", "r1.attempt")
        wanted = " and ".join(f"tags.`{k}` = '{tags[k]}'" for k in keys if k in tags)
        found = self._client.search_runs([self._experiment], wanted, max_results=1)
        if found:
            return found[0]
        return self._client.create_run(
            self._experiment, start_time=round(1000 * time), tags=dict(tags), run_name=name
        )

    def _send_curve(self, child: Child) -> None:
        """To the stage's run; headlines to the parent's, too, where stages stand side by side."""
        points = list(child.tail.new(child.work / METRICS))
        try:
            self._send_metrics(child.run_id, _metrics(points))
            headlines = _metrics(points, self._headlines, f"/{child.stage}")
            self._send_metrics(self._parent, headlines)
        except Exception:
            child.tail.forget()
            raise

    def _send_numbers(self, run_id: str, values: Mapping[str, float], time: float) -> None:
        stamp = round(1000 * time)
        self._send_metrics(
            run_id, [Metric(metric_name(key), value, stamp, 0) for key, value in values.items()]
        )

    def _send_metrics(self, run_id: str, metrics: list[Metric]) -> None:
        for start in range(0, len(metrics), METRICS_AT_ONCE):
            self._client.log_batch(
                run_id, metrics=metrics[start : start + METRICS_AT_ONCE], synchronous=True
            )

    def _send_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        self._client.log_batch(run_id, tags=[RunTag(k, v) for k, v in tags.items()])

    def _send_log(self, run_id: str, stage: str) -> None:
        log = self._folder / "logs" / f"{stage}.log"
        if log.is_file():
            self._client.log_artifact(run_id, str(log))

    def _end(self, run_id: str, status: str, time: float) -> None:
        self._client.set_terminated(run_id, status, end_time=round(1000 * time))


def _metrics(
    points: Iterable[Point], only: Collection[str] | None = None, suffix: str = ""
) -> list[Metric]:
    return [
        Metric(metric_name(key + suffix), value, round(1000 * point["time"]), int(point["step"]))
        for point in points
        for key, value in numbers(point).items()
        if key not in ("step", "time") and (only is None or key in only)
    ]
