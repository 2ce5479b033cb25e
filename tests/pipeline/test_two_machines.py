"""Two runners on one store, each on a machine of its own: another host name, other pids, no locks.

The machines are namespaces of this one. There are no locks, as on many network disks, and a heart
is given up sooner than by default.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PYTHONPATH, Toy, at_step, until

ALONE = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
NO_LOCKS = """
import errno, fcntl
def refused(*_):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = refused
from pipeline import lease
lease.HEARTBEAT, lease.EXPIRES = 0.2, 4.0
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def machine(toy: Toy, tmp_path: Path) -> Start:
    """Starts the toy on a machine of this name; what it says goes into `<name>.log`."""
    try:
        tried = subprocess.run([*ALONE, "true"], capture_output=True, text=True)
    except FileNotFoundError as error:
        pytest.skip(str(error))
    if tried.returncode:
        pytest.skip(f"no namespaces here: {tried.stderr.strip()}")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NO_LOCKS)

    def start(name: str, *words: str) -> subprocess.Popen[str]:
        script = 'hostname "$0" && "$@"; exit'  # the first process is no Python: it sees to orphans
        path = os.pathsep.join((str(tmp_path / "site"), PYTHONPATH))
        with (toy.folder / f"{name}.log").open("w") as said:
            return subprocess.Popen(
                [*ALONE, "bash", "-c", script, name, sys.executable, "-m", "toy_recipe", *words],
                cwd=toy.folder,
                env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
            )

    return start


def test_of_two_runners_one_makes_each_result_and_gc_takes_nothing_of_it(
    toy: Toy, machine: Start
) -> None:
    words = ("run", "stages.left.delay=1", "stages.right.delay=1")
    runners = {name: machine(name, *words) for name in ("here", "there")}
    until(lambda: at_step(toy, "left", 1) and at_step(toy, "right", 1), "no stage has begun")
    assert machine("elsewhere", "gc", "--delete", "--yes").wait(60) == 0
    assert "0 folders" in (toy.folder / "elsewhere.log").read_text()
    said = {name: (toy.folder / f"{name}.log").read_text for name in runners}
    assert [runner.wait(120) for runner in runners.values()] == [0, 0], [s() for s in said.values()]
    for stage in ("numbers", "left", "right", "both"):
        [manifest] = toy.manifests(stage)
        [attempt] = manifest["attempts"]
        assert attempt["host"] in runners
    logs = [log.read_text() for log in toy.runs.glob("2*/logs/left.log")]
    assert "".join(logs).count("starting at step 0") == 1
    whole = "".join(say() for say in said.values())
    assert "runs it already; waiting for its result" in whole
    assert "warning" not in whole


def test_a_runner_takes_over_what_a_machine_had_in_hand_that_is_gone(
    toy: Toy, machine: Start
) -> None:
    words = ("run", "until=left", "stages.left.steps=50")
    first = machine("here", *words, "stages.left.delay=0.3")
    until(lambda: at_step(toy, "left", 3), "no stage has begun")
    second = machine("there", *words)
    log = toy.folder / "there.log"
    until(lambda: "on here runs it; waiting for its result" in log.read_text(), "it does not wait")
    first.kill()  # and all of its machine
    assert second.wait(120) == 0, log.read_text()
    assert "left: started again from its work directory" in log.read_text()
    [manifest] = toy.manifests("left")
    assert [(a["host"], a["outcome"]) for a in manifest["attempts"]] == [
        ("here", "killed"),
        ("there", "finished"),
    ]
    assert manifest["facts"]["started_at"] >= 3
