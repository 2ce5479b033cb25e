"""The toy recipe, driven through its real command line in a folder of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # `toy_recipe`, imported as any recipe would be
PYTHONPATH = os.pathsep.join((str(HERE), str(HERE.parents[1])))  # it, and the engine beside it

from toy_recipe.__main__ import TOY  # noqa: E402


def hear_ctrl_c() -> None:
    """In a new process: what a shell starts in the background ignores SIGINT, and all below it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def until(holds: Callable[[], object], what: str) -> None:
    """Wait for it, or fail with what did not come."""
    deadline = time.monotonic() + 200
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def at_step(toy: Toy, stage: str, step: int) -> bool:
    """Whether a stage has a checkpoint of this step or a later one."""
    files = (toy.store / ".work" / stage).glob("*/checkpoint.json")
    return any(int(file.read_text()) >= step for file in files)


class Toy:
    """`python -m toy_recipe …` in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "outputs" / "store"
        self.runs = folder / "outputs" / "runs"

    def start(
        self, *arguments: str, stderr: int = subprocess.STDOUT, **options: Any
    ) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "COLUMNS": "200"}
        return subprocess.Popen(
            [sys.executable, "-m", "toy_recipe", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            preexec_fn=hear_ctrl_c,
            **options,
        )

    def start_in(
        self, terminal: int, environment: dict[str, str], *arguments: str
    ) -> subprocess.Popen[bytes]:
        """The same, in a terminal."""
        return subprocess.Popen(
            [sys.executable, "-m", "toy_recipe", *arguments],
            cwd=self.folder,
            env=environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )

    def __call__(self, *arguments: str, expect: int = 0) -> str:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=180)
        assert process.returncode == expect, output
        return output

    def here(self, *arguments: str, expect: int = 0) -> str:
        """A verb that starts no stage, in this process; what it printed."""
        output = io.StringIO()
        said = contextlib.redirect_stdout(output), contextlib.redirect_stderr(output)
        with contextlib.chdir(self.folder), said[0], said[1]:
            code = main(TOY, arguments)
        assert code == expect, output.getvalue()
        return output.getvalue()

    def wait_for(self, lease: str) -> Path:
        """Until a stage runs, by the pattern of its lease; returns the lease."""
        deadline = time.monotonic() + 120
        while not (found := list((self.store / ".leases").glob(lease))):
            assert time.monotonic() < deadline, f"no {lease} appeared"
            time.sleep(0.02)
        return found[0]

    def states(self, *overrides: str, verb: str = "status") -> dict[str, str]:
        return {row["stage"]: row["state"] for row in self.rows(*overrides, verb=verb)}

    def rows(self, *overrides: str, verb: str = "status") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self(verb, "--json", *overrides))["stages"]
        return rows

    def manifests(self, stage: str) -> list[dict[str, Any]]:
        """Of one stage, oldest first."""
        paths: Sequence[Path] = list((self.store / stage).glob("*/manifest.json"))
        found = [json.loads(path.read_text()) for path in paths]
        return sorted(found, key=lambda manifest: manifest["created"])

    def latest_run(self) -> Path:
        return (self.runs / "latest").resolve()


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    Toy(folder)("run")
    return folder


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path) -> Toy:
    """A copy of a recipe that ran to its end."""
    shutil.copytree(finished_once, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Toy(tmp_path)


@pytest.fixture
def over_slurm(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toy]:
    """The toy where the commands of a Slurm of two nodes are at hand; leaves no job there."""
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, cluster.environment()[name])
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)  # which jobs are given, too
    yield Toy(tmp_path)
    if jobs := cluster("squeue", "-h", "-o", "%i").split():
        cluster("scancel", *jobs)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)
