"""Which rows and models a stage took in and which model it made, by reference."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import mlflow
import pyarrow.parquet as pq
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
)

from pipeline import manifest
from pipeline.artifact import Artifact
from pipeline.manifest import CorruptArtifact

ROWS = ("rows.parquet", "samples.parquet")
MADE = "made"  # the context of rows that a stage did not take in but made
TAG = "r1.fingerprint"


class Lineage:
    """The inputs and the output of one stage's run."""

    def __init__(
        self,
        client: mlflow.MlflowClient,
        experiment: str,
        source: Mapping[str, str],
        named: Callable[[Path], str],
        models: frozenset[str],
    ) -> None:
        """source: tags that say what made a model; named: a path as MLflow shall show it.

        models: the types of artifact that are models, not rows.
        """
        self._client = client
        self._experiment = experiment
        self._source = source
        self._named = named
        self._models = models

    def log(self, run_id: str, artifact: Artifact, parent: str) -> None:
        """Link a run to its inputs and to the model that it made, and the parent to its rows."""
        inputs, is_model = _inputs(artifact), artifact.type in self._models
        context = "evaluation" if artifact.type == "evaluation" else "training"
        rows = [self._dataset(i, context) for i in inputs if i.type not in self._models]
        self._client.log_inputs(
            run_id,
            datasets=rows if is_model else [*rows, self._dataset(artifact, MADE)],
            models=[LoggedModelInput(self.model_id(i)) for i in inputs if i.type in self._models],
        )
        self._client.log_inputs(parent, datasets=rows)
        if is_model:
            self._link_output(run_id, self.model_id(artifact, run_id))

    def _dataset(self, artifact: Artifact, context: str) -> DatasetInput:
        rows = _rows(artifact)
        profile: dict[str, Any] = {"facts": dict(artifact.facts)}
        profile["funnel"] = artifact.manifest.get("funnel") or {}
        if rows is not None:
            profile["num_rows"] = pq.read_metadata(rows).num_rows
        dataset = Dataset(
            name=artifact.stage,
            digest=artifact.fingerprint,
            source_type="local",
            source=json.dumps({"uri": self._named(rows or artifact.path)}),
            schema=None if rows is None else _columns(rows),
            profile=json.dumps(profile),
        )
        return DatasetInput(dataset, [InputTag("mlflow.data.context", context)])

    def _link_output(self, run_id: str, model_id: str) -> None:
        """MLflow refuses the same link twice."""
        outputs = self._client.get_run(run_id).outputs
        linked = outputs.model_outputs if outputs else []
        if model_id not in {str(output.model_id) for output in linked}:
            self._client.log_outputs(run_id, [LoggedModelOutput(model_id, 0)])

    def model_id(self, artifact: Artifact, run_id: str | None = None) -> str:
        """The logged and registered model of an artifact, made if MLflow has none."""
        found = self._client.search_logged_models(
            [self._experiment], f"tags.`{TAG}` = '{artifact.fingerprint}'", max_results=1
        )
        model = found[0] if found else self._create(artifact, run_id)
        self._register(artifact, str(model.model_id))
        return str(model.model_id)

    def _create(self, artifact: Artifact, run_id: str | None) -> Any:
        return mlflow.create_external_model(
            name=artifact.stage,
            source_run_id=run_id,
            tags={
                TAG: artifact.fingerprint,
                "uri": self._named(artifact.model_path),
                "digest": artifact.fingerprint,
                **self._source,
            },
            model_type=artifact.type,
            experiment_id=self._experiment,
        )

    def _register(self, artifact: Artifact, model_id: str) -> None:
        """A version per fingerprint, under the stage's name."""
        versions = self._client.search_model_versions(f"name = '{artifact.stage}'")
        if not any(version.tags.get(TAG) == artifact.fingerprint for version in versions):
            mlflow.register_model(
                f"models:/{model_id}", artifact.stage, tags={TAG: artifact.fingerprint}
            )


def _inputs(artifact: Artifact) -> list[Artifact]:
    """The artifacts that it was made from; they lie in the same store."""
    store = artifact.path.parents[1]
    found = []
    for source in artifact.manifest["inputs"]:
        path = store / source["stage"] / source["fingerprint"]
        with suppress(CorruptArtifact):  # or gone
            found.append(Artifact(path, manifest.read(path)))
    return found


def _rows(artifact: Artifact) -> Path | None:
    """The rows of an artifact, or an evaluation's samples."""
    found = (artifact.path / name for name in ROWS)
    return next((path for path in found if path.is_file()), None)


def _columns(rows: Path) -> str:
    """The columns of a Parquet file, as MLflow describes them."""
    columns = [{"name": column.name, "type": str(column.type)} for column in pq.read_schema(rows)]
    return json.dumps({"mlflow_colspec": columns})
