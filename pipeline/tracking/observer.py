"""The runner's side of tracking: a journal, and a process that sends it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pipeline import notices
from pipeline.artifact import Artifact
from pipeline.errors import RecipeError, UsageError
from pipeline.hooks import Observer, Run, Silent
from pipeline.tracking import delivery
from pipeline.tracking.destination import INSTEAD, destination, unsafe
from pipeline.tracking.journal import FILE, Journal
from pipeline.tracking.places import Places

#: A server that is away is asked again by the follower, not by MLflow's own long retries.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "GIT_PYTHON_REFRESH": "quiet",
}


class NotSent(RecipeError):
    """MLflow does not hold all of a run; the run itself is whole."""


class Tracker:
    """Tells MLflow, through another process."""

    def __init__(self, config: Mapping[str, Any], results: str | None = None) -> None:
        """results: the dotted name of what the project shows of its results."""
        self._config = config
        self._results = results
        self._flush_seconds = float(config["tracking"]["flush_seconds"])
        self._journal: Journal | None = None
        self._follower: subprocess.Popen[bytes] | None = None
        self._why_not = ""

    def run_started(self, run: Run) -> None:
        root = str(Path(self._config["paths"]["root"]).absolute())
        self._journal = Journal(run.folder)
        self._tell(
            "run_started",
            name=run.name,
            overrides=list(run.overrides),
            stages=list(run.stages),
            root=root,
            pid=os.getpid(),
        )
        self._why_not = unsafe(destination(self._config, root))
        delivery.note(run.folder, sent=False, why=self._why_not or "the run was not over")
        if self._why_not:
            notices.warn(f"MLflow is not told of this run: {self._why_not}. {INSTEAD}")
        else:
            self._follower = _start_follower(run.folder, self._results)

    def stage_started(
        self, stage: str, fingerprint: str, work: Path, config: Mapping[str, Any]
    ) -> None:
        self._tell(
            "stage_started",
            stage=stage,
            fingerprint=fingerprint,
            work=str(work),
            config=dict(config),
        )

    def stage_finished(self, stage: str, artifact: Artifact) -> None:
        self._tell("stage_finished", stage=stage, artifact=str(artifact.path.absolute()))

    def stage_failed(self, stage: str, message: str) -> None:
        self._tell("stage_failed", stage=stage, message=message)

    def run_finished(self, report_dir: Path | None) -> None:
        """Wait a little for what is still to be sent. Raises NotSent; the run is not undone."""
        self._tell("run_finished", report=str(report_dir.absolute()) if report_dir else None)
        assert self._journal is not None
        if self._why_not:
            delivery.say(self._journal.folder)
            later = delivery.remedy(self._journal.folder)
            raise NotSent(f"MLflow was not told: {self._why_not}. With a server, {later}")
        try:
            code = self.wait(self._flush_seconds)
        except subprocess.TimeoutExpired:
            delivery.say(self._journal.folder)
            raise NotSent(f"still being sent in the background. {_later(self._journal)}") from None
        if code:
            raise NotSent(f"MLflow does not hold all of this run. {_later(self._journal)}")

    @property
    def pid(self) -> int:
        """The process that sends."""
        assert self._follower is not None
        return self._follower.pid

    def wait(self, seconds: float) -> int:
        """Its exit code, when it ends in time."""
        assert self._follower is not None
        return self._follower.wait(seconds)

    def _tell(self, event: str, **facts: Any) -> None:
        assert self._journal is not None
        self._journal.append(event, **facts)


def build_observer(config: Mapping[str, Any], results: str | None = None) -> Observer:
    """The observer that `tracking` of the config asks for; results: `Project.results`."""
    tracking = config.get("tracking") or {}
    return Tracker(config, results) if tracking.get("experiment") else Silent()


def send_later(folder: Path, results: str | None = None) -> None:
    """Send a run's journal to MLflow, what is there already excepted. Raises NotSent.

    results: `Project.results`.
    """
    if not (folder / FILE).is_file():
        raise UsageError(f"{folder}: there is no {FILE}; give the folder of a run with tracking.")
    born = Journal(folder).started()["root"]
    config = run_config(folder)
    root = Places.of(folder, config, born).root
    if why_not := unsafe(destination(config, str(root))):
        raise UsageError(f"{folder.name} was not sent: {why_not}. {INSTEAD}")
    code = _start_follower(folder, results).wait()
    if code:
        raise NotSent(f"{folder.name} was not sent whole; {_log(folder)} says why.")


def command(arguments: Sequence[str], results: str | None = None) -> int:
    """`r1 track RUN_FOLDER`: send a run to MLflow that could not be sent while it ran."""
    parser = argparse.ArgumentParser(prog="r1 track", description=command.__doc__)
    parser.add_argument("folder", type=Path, help="a run's folder, e.g. outputs/runs/latest")
    folder: Path = parser.parse_args(arguments).folder
    send_later(folder.resolve(), results)
    print(f"{folder.resolve().name} is in MLflow")
    return 0


def run_config(folder: Path) -> dict[str, Any]:
    """The resolved config of a run."""
    config: dict[str, Any] = yaml.safe_load((folder / "config.yaml").read_text())
    return config


def _start_follower(folder: Path, results: str | None) -> subprocess.Popen[bytes]:
    """Its own session: Ctrl-C at the terminal stops the run, and the follower tells MLflow so."""
    named = [results] if results else []
    log = _log(folder)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline.tracking.follower", str(folder), *named],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=QUIET | dict(os.environ),
            start_new_session=True,
        )


def _log(folder: Path) -> Path:
    return folder / "logs" / "tracking.log"


def _later(journal: Journal) -> str:
    return f"See {_log(journal.folder)}; {delivery.remedy(journal.folder)}"
