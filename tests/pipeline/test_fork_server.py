"""The server that stages are forked from may be killed, or outlive its runner."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Toy

Start = Callable[..., subprocess.Popen[str]]
SLOW = ("run", "until=left", "stages.left.delay=0.5")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run keeps its temporary files."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def start(toy: Toy) -> Iterator[Start]:
    """Starts a runner, which is killed in the end whatever its test found."""
    runners: list[subprocess.Popen[str]] = []

    def started(*words: str) -> subprocess.Popen[str]:
        runners.append(toy.start(*words))
        return runners[-1]

    yield started
    for runner in runners:
        runner.kill()
        runner.wait()


def server_of(runner: subprocess.Popen[str]) -> int:
    """The process id of its fork server."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        children = Path(f"/proc/{runner.pid}/task/{runner.pid}/children").read_text().split()
        for child in children:
            if b"forkserver" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        time.sleep(0.005)
    raise AssertionError("no fork server appeared")


def test_a_server_that_is_killed_before_the_first_stage_is_started_again(
    toy: Toy, start: Start
) -> None:
    runner = start("run", "until=numbers")
    os.kill(server_of(runner), signal.SIGKILL)
    output, _ = runner.communicate(timeout=180)
    assert runner.returncode == 0, output
    assert "1 of 1 stages done" in output


def test_a_server_that_failed_and_took_its_folder_away_is_started_again(
    toy: Toy, start: Start, temporary: Path
) -> None:
    runner = start("run", "until=numbers")
    server = server_of(runner)
    (folder,) = temporary.glob("pymp-*")
    shutil.rmtree(folder)
    os.kill(server, signal.SIGKILL)
    output, _ = runner.communicate(timeout=180)
    assert runner.returncode == 0, output
    assert not list(temporary.glob("pymp-*"))


def test_a_run_ends_in_peace_when_its_server_took_the_folder_away(
    toy: Toy, start: Start, temporary: Path
) -> None:
    runner = start(*SLOW)
    toy.wait_for("left-*.json")
    server = server_of(runner)
    (folder,) = temporary.glob("pymp-*")
    shutil.rmtree(folder)
    os.kill(server, signal.SIGKILL)
    output, _ = runner.communicate(timeout=180)
    assert runner.returncode == 0, output
    assert "Traceback" not in output


def test_a_stage_goes_on_when_its_server_is_killed_and_the_next_has_a_new_one(
    toy: Toy, start: Start
) -> None:
    runner = start("run", "stages.left.delay=0.5")
    toy.wait_for("left-*.json")
    os.kill(server_of(runner), signal.SIGKILL)
    output, _ = runner.communicate(timeout=180)
    assert runner.returncode == 0, output
    assert "left: the process that it was forked from was ended from outside" in output
    assert "4 of 4 stages done" in output
    assert len(toy.manifests("left")[0]["attempts"]) == 1


def test_a_stage_that_is_killed_after_its_server_is_told_as_ended(toy: Toy, start: Start) -> None:
    runner = start("run", "until=left", "stages.left.delay=60")
    lease = toy.wait_for("left-*.json")
    os.kill(server_of(runner), signal.SIGKILL)
    os.kill(json.loads(lease.read_text())["pid"], signal.SIGKILL)
    output, _ = runner.communicate(timeout=180)
    assert runner.returncode == 1, output
    assert "left: FAILED: its process was ended by something that nobody saw" in output


def test_ctrl_c_ends_a_run_whose_server_hangs(toy: Toy, start: Start) -> None:
    runner = start("run", "until=numbers")
    server = server_of(runner)
    os.kill(server, signal.SIGSTOP)
    try:
        assert runner.stdout is not None
        while "numbers: started" not in runner.stdout.readline():
            assert runner.poll() is None
        runner.send_signal(signal.SIGINT)
        output, _ = runner.communicate(timeout=60)
    finally:
        os.kill(server, signal.SIGKILL)
    assert runner.returncode == 130, output
    assert "To go on: r1 run until=numbers" in output


def test_a_killed_runner_leaves_no_temporary_folder(
    toy: Toy, temporary: Path, start: Start
) -> None:
    runner = start(*SLOW)
    toy.wait_for("left-*.json")
    assert list(temporary.glob("pymp-*"))
    runner.kill()
    runner.wait()
    deadline = time.monotonic() + 60
    while list(temporary.glob("pymp-*")):
        assert time.monotonic() < deadline, "it lies there for ever"
        time.sleep(0.02)


def test_temporary_files_in_too_long_a_path_are_told_as_such(
    toy: Toy, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = temporary / ("t" * 71)
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    said = toy("run", "until=numbers", expect=2)
    assert "set TMPDIR to a folder of at most 70 characters" in said
    assert "Traceback" not in said
