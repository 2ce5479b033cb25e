"""MLflow where runs are on a network disk: no SQLite there, but a server, which comes and goes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from pipeline.errors import UsageError
from pipeline.tracking import command
from pipeline.tracking.delivery import unsent
from pipeline.tracking.destination import described
from pipeline.tracking.observer import NotSent
from tests.tracking.told_runs import Pipeline, Seen


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on what the system says is NFS."""
    mounts = tmp_path / "proc" / "self" / "mounts"
    mounts.parent.mkdir(parents=True)
    root = tmp_path / "shared"
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nnas:/export {root} nfs4 rw,vers=4.2 0 0\n")
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))
    return root


def test_on_a_network_disk_no_sqlite_is_opened_and_the_run_is_sent_to_a_named_place_later(
    shared: Path,
    database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipeline = Pipeline(shared)
    pipeline.log(1, 3)
    pipeline.start()
    said = capsys.readouterr().err
    assert "no SQLite on a network disk (nfs4)" in said
    assert "mlflow server" in said
    with pytest.raises(NotSent, match=r"nfs4.*r1 track"):
        pipeline.finish()
    assert "not used: " in described(pipeline.config, str(shared))
    ((_, words),) = unsent(pipeline.folder.parent)
    assert "nfs4" in words
    with pytest.raises(UsageError, match=r"nfs4.*MLFLOW_TRACKING_URI"):
        command([str(pipeline.folder)])
    assert not list(shared.rglob("mlflow.db*"))

    here = shutil.copy(database, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{here}")
    assert command([str(pipeline.folder)]) == 0
    assert not list(unsent(pipeline.folder.parent))
    assert Seen(tmp_path).curve("zero", "reward") == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert not list(shared.rglob("mlflow.db*"))


class Door:
    """A port of this machine that leads to another one, while it is open."""

    def __init__(self, to: int, port: int) -> None:
        self._to = to
        self.port = port
        self._sockets: list[socket.socket] = []

    def open(self) -> None:
        listening = socket.create_server(("127.0.0.1", self.port))
        self._sockets = [listening]
        threading.Thread(target=self._let_in, args=(listening,), daemon=True).start()

    def close(self) -> None:
        for one in list(self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _let_in(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._sockets += [caller, server]
                for one, other in ((caller, server), (server, caller)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while said := one.recv(65536):
            other.sendall(said)
        other.shutdown(socket.SHUT_WR)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.fixture
def server(database: Path, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """MLflow's own server on loopback: its port, and the folder of its database."""
    root, port = tmp_path / "server", free_port()
    root.mkdir()
    shutil.copy(database, root)
    words = ["server", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", f"sqlite:///{root}/mlflow.db"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: _answers(port))
    yield port, root
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/health").is_success
    return False


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 100
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_server_that_goes_away_while_a_run_goes_on_has_all_of_it_once_it_is_back(
    server: tuple[int, Path], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, root = server
    door = Door(port, free_port())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{door.port}")
    pipeline = Pipeline(shared)
    log = pipeline.folder / "logs" / "tracking.log"
    door.open()
    pipeline.log(1, 3)
    pipeline.start()
    until(lambda: "zero" in (runs := Seen(root)).runs and len(runs.curve("zero", "reward")) == 3)
    door.close()
    pipeline.log(4, 6)
    until(lambda: "Max retries exceeded" in log.read_text())
    assert len(Seen(root).curve("zero", "reward")) == 3
    door.open()
    pipeline.observer.run_finished(None)
    seen = Seen(root)
    assert seen.curve("zero", "reward") == [(step, step / 10) for step in range(1, 7)]
    assert {run.info.status for run in seen.runs.values()} == {"KILLED"}, "as it was told"
    assert not list(unsent(pipeline.folder.parent))
    assert not list(shared.rglob("mlflow.db*"))
    door.close()
