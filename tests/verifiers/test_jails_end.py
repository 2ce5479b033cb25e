"""What is killed or stopped from outside: no program is wrong for it, and no jail is left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stages.verifiers import isolation
from stages.verifiers.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]

SLOW = "import time\ntime.sleep(0.3)\ndef f(): return 7"

OWNER = """
import sys, time
from stages.verifiers.sandbox import Sandbox
try:
    jail = Sandbox(sys.argv[1], compiler=sys.argv[2:])
except Exception as problem:
    print("refused", flush=True)
    sys.exit()
print(jail._server.process_id, flush=True)
time.sleep(60)
"""


def below(process: int) -> list[int]:
    """All processes below one, parents first."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [pid for child in map(int, children) for pid in (child, *below(child))]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@contextmanager
def killing(jail: Sandbox, times: int) -> Iterator[list[int]]:
    """Meanwhile the first programs that run in a jail are killed, as if memory had run out."""
    server = jail._server.process_id
    known, killed, over = set(below(server)), list[int](), threading.Event()

    def watch() -> None:
        while len(killed) < times and not over.wait(0.02):
            for pid in set(below(server)) - known - set(killed):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def jail() -> Iterator[Sandbox]:
    jail = Sandbox("namespaces")
    jail.run("", ["1"])
    yield jail
    jail.close()


def test_a_program_that_is_killed_from_outside_runs_again(jail: Sandbox) -> None:
    with killing(jail, times=1) as killed:
        outcome = jail.run(SLOW, ["f()"])
    assert (outcome.values, outcome.problem, len(killed)) == ([7], "", 1)


def test_a_program_that_is_killed_each_time_is_not_right(jail: Sandbox) -> None:
    with killing(jail, times=9) as killed:
        outcome = jail.run(SLOW, ["f()"])
    assert outcome.problem == "killed twice; the system may have run out of memory"
    assert len(killed) == 2


def test_memory_that_runs_out_is_taken_from_programs_first(jail: Sandbox) -> None:
    server = below(jail._server.process_id)[0]
    assert Path(f"/proc/{server}/oom_score_adj").read_text() == "1000\n"


def test_a_jail_that_is_killed_while_it_starts_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\nmkdir {tmp_path}/killed 2>/dev/null && kill -9 $$\nexec {sys.executable} "$@"'
    )
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    jail = Sandbox("namespaces")
    outcome = jail.run("", ["1 + 1"])
    jail.close()
    assert (tmp_path / "killed").exists()
    assert outcome.values == [2]


@contextmanager
def owner(level: str, folder: Path, *compiler: str) -> Iterator[tuple[int, int]]:
    """A process with a jail, and the jail's server; both are gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, level, *compiler],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        if said == "refused":
            pytest.skip(f"this machine has no {level}")
        try:
            yield process.pid, int(said)
        finally:
            process.kill()


@pytest.mark.parametrize("level", isolation.LEVELS)
def test_a_stopped_jail_ends_with_its_owner(level: str, tmp_path: Path) -> None:
    with owner(level, tmp_path) as (process, server):
        jailed = [server, *below(server)]
        for pid in jailed:
            os.kill(pid, signal.SIGSTOP)
        os.kill(process, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while any(map(alive, jailed)) and time.monotonic() < deadline:
            time.sleep(0.02)
        left = [pid for pid in jailed if alive(pid)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    assert not left


def test_no_folder_of_a_compiler_outlives_its_killed_owner(tmp_path: Path) -> None:
    with owner("landlock", tmp_path, "/usr") as (process, _):
        assert [path.name[:11] for path in tmp_path.iterdir()] == ["r1-compile-"]
        os.kill(process, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while any(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert not list(tmp_path.iterdir())
