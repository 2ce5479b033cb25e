"""The process that sends a run's journal and curves to MLflow, while it runs or afterwards.

An event that MLflow refuses is written to the log and left out. A server that is away is asked
again until some seconds after the end of the run. A runner that dies without a word ends its runs
as killed. Exit codes: 0 all sent, 1 something was left out, 3 gave up, 4 another follower is at it.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.project import results_of
from pipeline.tracking import delivery
from pipeline.tracking.destination import database, destination
from pipeline.tracking.journal import Event, Journal
from pipeline.tracking.observer import run_config
from pipeline.tracking.places import Places, settle
from pipeline.tracking.sign_in import keep_quiet_about, signed_in

if TYPE_CHECKING:
    from pipeline.tracking.view import View

LEFT_OUT, GAVE_UP, BUSY = 1, 3, 4
POLL_SECONDS = 1.0
NICENESS = 10  # the stages come first
LONGEST_PAUSE_SECONDS = 30.0


class GaveUp(Exception):
    """The server was away for too long."""


class Follower:
    """Delivers events and curves in order, each until it is accepted or refused."""

    def __init__(
        self, journal: Journal, view: View, alive: Callable[[], bool], patience: float
    ) -> None:
        """patience: seconds for a server that is away, counted from the run's end."""
        self._journal = journal
        self._patience = patience
        self._view = view
        self._alive = alive
        self._over_since: float | None = None
        self._left_out = 0

    def follow(self) -> int:
        """Until the run is over and told. Returns the exit code."""
        finished = False
        while not finished:
            alive = self._alive()
            events = self._journal.new()
            if not alive and not _ends(events):
                events.append({"event": "run_finished", "time": time.time(), "report": None})
            for event in events:
                self._deliver(partial(self._view.tell, event))
            finished = _ends(events)
            if not finished:
                self._deliver(self._view.send_curves)
                time.sleep(POLL_SECONDS)
        return LEFT_OUT if self._left_out else 0

    @property
    def left_out(self) -> int:
        """How many events MLflow refused."""
        return self._left_out

    def _deliver(self, send: Callable[[], None]) -> None:
        pause = 1.0
        while True:
            try:
                return send()
            except Exception as error:
                traceback.print_exc()
                if not _away(error):
                    self._left_out += 1
                    return None
                if self._seconds_over() > self._patience:
                    raise GaveUp from error
            time.sleep(pause if self._over_since is None else 1.0)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _seconds_over(self) -> float:
        if self._over_since is None and (self._journal.is_over() or not self._alive()):
            self._over_since = time.monotonic()
        return 0.0 if self._over_since is None else time.monotonic() - self._over_since


def _ends(events: list[Event]) -> bool:
    return any(event["event"] == "run_finished" for event in events)


def _away(error: BaseException) -> bool:
    """Whether it is worth asking again: a server or a database that does not answer."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException
    from sqlalchemy.exc import OperationalError

    if isinstance(error, FileNotFoundError):  # an artifact that is not there any more
        return False
    if isinstance(error, MlflowException):
        return int(error.get_http_status_code()) >= 500
    return isinstance(error, RequestException | OperationalError | OSError)


def main(folder: Path, results: str | None = None) -> int:
    """Send what the journal in this run's folder says, and write down whether all arrived.

    results: the dotted name of what the project shows of its results.
    """
    journal = Journal(folder)
    with journal.path.open("r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{folder} is being sent by another process")
            return BUSY
        except OSError:  # a disk without locks
            pass
        code, why = _send(folder, journal, results)
    delivery.note(folder, code == 0, why)
    return code


def _send(folder: Path, journal: Journal, results: str | None) -> tuple[int, str]:
    """The exit code, and what kept the run from being whole in MLflow."""
    started, config = journal.started(), run_config(folder)

    def alive() -> bool:
        return os.getppid() == int(started["pid"])

    os.nice(NICENESS)
    view = open_view(folder, config, started["root"], results)
    patience = float(config["tracking"]["flush_seconds"])
    follower = Follower(journal, view, alive, patience)
    try:
        code = follower.follow()
    except GaveUp:
        why = f"no answer for {patience:g} s after the run's end"
        print(f"gave up: {why}")
        return GAVE_UP, why
    return code, f"{follower.left_out} events were refused, see logs/tracking.log" if code else ""


def open_view(folder: Path, config: Mapping[str, Any], born: str, results: str | None) -> View:
    """MLflow as it is to be told of a run.

    born: the root that the run was started with. results: as in `main`.
    """
    places = Places.of(folder, config, born)
    places.root.mkdir(parents=True, exist_ok=True)
    uri = destination(config, str(places.root))
    keep_quiet_about(uri)
    if uri == database(places.root):
        settle(places.root)
    from pipeline.tracking.view import View

    return View(signed_in(uri), config["tracking"], folder, places, results_of(results))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
