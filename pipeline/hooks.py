"""What the runner tells whoever watches: MLflow today. A watcher can never stop a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
