"""What the artifacts of a run say: evaluations, problem tables and curves, found by their edges.

Read from manifests and published files only, so that a report can be rebuilt at any time. An
evaluation belongs to the stage in its `model` fact, whatever its own stage is called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from pipeline import metrics
from pipeline.artifact import METRICS, Artifact
from pipeline.statistics import Array
from stages.report.names import ACCURACY, CONSENSUS, VOTED

PROBLEMS = "problems.parquet"
BUDGETS = "budgets.parquet"
#: The column of problems.parquet where it is not named as the metric is.
COLUMNS = {CONSENSUS: "cons"}


class Missing(Exception):
    """Evidence that this run does not hold; the message says which and why."""


class NotRun(Missing):
    """It is missing because a stage was not run, or not evaluated."""


class Problems:
    """One evaluation's table of problems: a column per metric, a row per problem.

    An id that recurs, where sets of problems were asked together, gets its number: all evaluations
    of the same sets ask them in the same order.
    """

    def __init__(self, stage: str, columns: Mapping[str, list[Any]]) -> None:
        self.stage = stage
        self.columns = {**columns, "id": list(_distinct(columns["id"]))}
        self.rows = {id_: number for number, id_ in enumerate(self.columns["id"])}

    def ids(self, where: Mapping[str, str]) -> list[str]:
        """The problems whose columns (group, domain, language) have the given values."""
        keep = np.ones(len(self.rows), dtype=bool)
        for column, value in where.items():
            keep &= np.array([cell == value for cell in self.columns[column]], dtype=bool)
        return [id_ for id_, kept in zip(self.columns["id"], keep, strict=True) if kept]

    def values(self, metric: str, ids: Iterable[str]) -> Array:
        """The metric of these problems in order; NaN where it does not exist."""
        name = COLUMNS.get(metric, metric)
        if name not in self.columns:
            raise Missing(f"the evaluation of {self.stage} has no {metric} per problem")
        column = self.columns[name]
        cells = [column[self.rows[id_]] for id_ in ids]
        return np.array([np.nan if cell is None else float(cell) for cell in cells])

    def samples(self, ids: Iterable[str]) -> int:
        """How many completions were judged on these problems."""
        return sum(int(self.columns["n"][self.rows[id_]]) for id_ in ids)


def _distinct(ids: Iterable[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for id_ in ids:
        seen[id_] += 1
        yield id_ if seen[id_] == 1 else f"{id_} ({seen[id_]})"


class Curve:
    """metrics.jsonl of a stage: points by step, a later line for a step replacing an earlier."""

    def __init__(self, stage: str, points: Mapping[int, Mapping[str, float]]) -> None:
        self.stage = stage
        self.points = dict(sorted(points.items()))

    def logged(self, metric: str) -> bool:
        """Whether any point has it."""
        return any(metric in point for point in self.points.values())

    def names(self, prefix: str) -> list[str]:
        """The metrics whose names begin so, in the order in which they came up."""
        found = dict.fromkeys(name for point in self.points.values() for name in point)
        return [name for name in found if name.startswith(prefix)]

    def series(self, metric: str) -> tuple[NDArray[np.int64], Array]:
        """Steps and values of one metric, where it was logged."""
        steps = [step for step, point in self.points.items() if metric in point]
        values = [self.points[step][metric] for step in steps]
        return np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64)


class Evidence:
    """Everything the report may use of one seed, by stage."""

    def __init__(self, artifacts: Mapping[str, Artifact], seed: int = 0) -> None:
        self.artifacts = artifacts
        self.seed = seed
        self._evaluations = by_model(artifacts)
        self._tables: dict[str, Problems] = {}

    def models(self) -> list[str]:
        """The evaluated stages, in the order of the run."""
        return list(self._evaluations)

    def evaluation(self, stage: str) -> Artifact:
        """The evaluation of a model stage."""
        if stage not in self._evaluations:
            ran = stage in self.artifacts
            raise NotRun(f"{stage} was not {'evaluated' if ran else 'run'}")
        return self._evaluations[stage]

    def problems(self, stage: str) -> Problems:
        """The problem table of a model stage's evaluation."""
        if stage not in self._tables:
            path = self.evaluation(stage).path / PROBLEMS
            if not path.is_file():
                raise Missing(f"the evaluation of {stage} has no {PROBLEMS}")
            columns = pq.read_table(path).to_pydict()
            columns |= _under_budgets(path.with_name(BUDGETS), columns["id"]) | _voted(columns)
            self._tables[stage] = Problems(stage, columns)
        return self._tables[stage]

    def budgets(self, stage: str) -> list[int]:
        """The thinking budgets, in tokens, under which a model stage was evaluated."""
        names = self.problems(stage).columns
        return sorted(int(n.partition("/")[2]) for n in names if n.startswith("budget/"))

    def curve(self, stage: str) -> Curve:
        """The training curve of a stage."""
        if stage not in self.artifacts:
            raise NotRun(f"{stage} was not run")
        path = self.artifacts[stage].path / METRICS
        if not path.is_file():
            raise Missing(f"{stage} logged no curve")
        return Curve(stage, read_points(path))


def read_points(path: Path) -> dict[int, dict[str, float]]:
    """The points of a metrics.jsonl; a line torn by a kill is left out."""
    return {int(point["step"]): point for point in metrics.read(path)}


def _voted(columns: Mapping[str, list[Any]]) -> dict[str, list[float | None]]:
    """pass@1 where there is a vote, so that the two can be held against each other."""
    if not {ACCURACY, COLUMNS[CONSENSUS]} <= set(columns):
        return {}
    both = zip(columns[ACCURACY], columns[COLUMNS[CONSENSUS]], strict=True)
    return {VOTED: [None if vote is None else value for value, vote in both]}


def _under_budgets(path: Path, ids: Collection[str]) -> dict[str, list[float | None]]:
    """Columns `budget/8`: each problem's accuracy when its thoughts are cut after 8 tokens.

    None where ids recur, by which the cuts are kept.
    """
    if not path.is_file() or len(set(ids)) < len(ids):
        return {}
    cells: dict[str, dict[str, float | None]] = {}
    for row in pq.read_table(path, filters=[("setting", "=", "budgets")]).to_pylist():
        cells.setdefault(f"budget/{row['amount']}", {})[row["id"]] = row["accuracy"]
    return {name: [found.get(id_) for id_ in ids] for name, found in cells.items()}


def by_model(artifacts: Mapping[str, Artifact]) -> dict[str, Artifact]:
    """Evaluations by the stage they judge; `eval_<stage>` wins where there are several."""
    found: dict[str, Artifact] = {}
    for name, artifact in artifacts.items():
        if artifact.type != "evaluation":
            continue
        model = str(artifact.facts["model"])
        if model not in found or name == f"eval_{model}":
            found[model] = artifact
    return found


def seconds(artifact: Artifact) -> float:
    """How long the stage took, over all its attempts."""
    return float(artifact.manifest.get("seconds", 0.0))
