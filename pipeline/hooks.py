"""What the runner tells whoever watches, and what a project says of its own results.

MLflow watches today. A watcher can never stop a run.
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
    """An observer whose errors are reported once and then kept from the run."""

    def __init__(self, observer: Observer, report: Callable[[str], None]) -> None:
        self._observer = observer
        self._report = report
        self._broken = False

    def tell(self, event: str, *arguments: Any) -> None:
        """Call one method of the observer, unless it broke before."""
        if self._broken:
            return
        try:
            getattr(self._observer, event)(*arguments)
        except Exception as error:
            self._broken = True
            if isinstance(error, RecipeError):
                self._report(f"tracking: {error}")
                return
            self._report(
                f"tracking stopped at {event}: {type(error).__name__}: {error}. "
                "The run goes on; manifests and metrics.jsonl hold everything."
            )
