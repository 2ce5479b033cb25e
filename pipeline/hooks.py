"""What the runner tells whoever watches, and what a project says of its own results.

MLflow watches, and what sends results to `paths.publish`. A watcher can never stop a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pipeline.artifact import Artifact
from pipeline.errors import RecipeError


@dataclass(frozen=True)
class Run:
    """One `r1 run`: its name, its folder, its resolved config, the stages that it will run."""

    name: str
    folder: Path
    config: Mapping[str, Any]
    stages: tuple[str, ...]
    overrides: tuple[str, ...] = ()


class Observer(Protocol):
    """Told what happens, in order. Curves are read from `<work>/metrics.jsonl`."""

    def run_started(self, run: Run) -> None: ...

    def stage_started(
        self, stage: str, fingerprint: str, work: Path, config: Mapping[str, Any]
    ) -> None: ...

    def stage_finished(self, stage: str, artifact: Artifact) -> None: ...

    def stage_failed(self, stage: str, message: str) -> None: ...

    def run_finished(self, report_dir: Path | None) -> None: ...


class Silent:
    """The observer of a project that tracks nothing."""

    def run_started(self, run: Run) -> None:
        pass

    def stage_started(
        self, stage: str, fingerprint: str, work: Path, config: Mapping[str, Any]
    ) -> None:
        pass

    def stage_finished(self, stage: str, artifact: Artifact) -> None:
        pass

    def stage_failed(self, stage: str, message: str) -> None:
        pass

    def run_finished(self, report_dir: Path | None) -> None:
        pass


@dataclass(frozen=True)
class Tracked:
    """What MLflow's run of a stage, or of a whole run, shows beside curves and plain facts."""

    numbers: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """Rows that MLflow shows beside a stage's run, as `<name>.json`."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Compared:
    """The runs of a sweep side by side: a row of cells per run, and what the heads mean."""

    heads: Sequence[str]
    cells: Sequence[Sequence[str]]
    legend: Sequence[str]


class Results:
    """What a project has to say of its results: nothing, unless it says so in a class of its own.

    models: the types of artifact that are models. `report` is what the project's report wrote as
    facts.
    """

    models: frozenset[str] = frozenset({"model"})

    def line(self, facts: Mapping[str, Any]) -> str:
        """A line that `status` shows of a finished stage; empty for none."""
        return ""

    def of_run(self, report: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
        """What one run of a sweep came to, as JSON; `report` is empty where none was written."""
        return {}

    def compared(self, runs: Sequence[Mapping[str, Any]]) -> Compared:
        """The same of several runs, for the table at a sweep's end."""
        return Compared([], [[] for _ in runs], [])

    def tracked(self, artifact: Artifact) -> Tracked:
        """What MLflow's run of a finished stage shows beside its plain facts."""
        return Tracked()

    def tracked_report(self, report: Mapping[str, Any]) -> Tracked:
        """What MLflow's run of the whole run shows."""
        return Tracked()

    def table(self, artifact: Path, settings: Mapping[str, Any]) -> Table | None:
        """Rows of a finished stage for MLflow. settings: `samples` of the tracking config."""
        return None


class Shielded:
    """Observers whose errors are reported once and then kept from the run and from each other."""

    def __init__(self, report: Callable[[str], None], **observers: Observer) -> None:
        """observers: by what each does, for what is reported."""
        self._report = report
        self._observers = observers

    def tell(self, event: str, *arguments: Any) -> None:
        """Call one method of every observer that did not break before."""
        for name, observer in list(self._observers.items()):
            try:
                getattr(observer, event)(*arguments)
            except Exception as error:
                del self._observers[name]
                self._report(_broken(name, event, error))


def _broken(name: str, event: str, error: Exception) -> str:
    if isinstance(error, RecipeError):
        return f"{name}: {error}"
    return (
        f"{name} stopped at {event}: {type(error).__name__}: {error}. "
        "The run goes on; manifests and metrics.jsonl hold everything."
    )
