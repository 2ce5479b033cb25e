"""A lease is refused while its holder lives and free the moment it is gone."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import heart, lease
from pipeline.lease import Lease, holder

HOLD = """
import sys, time
from pathlib import Path
from pipeline.lease import Lease
assert Lease(Path(sys.argv[1])).acquire() is None
print("held", flush=True)
time.sleep(60)
"""
ELSEWHERE = """
import os, sys, time
from pipeline import lease, machine
lease.HEARTBEAT, machine.name, here = 0.1, lambda: "elsewhere/pid", os.utime
os.utime = lambda path: here(path, (time.time() + int(sys.argv[2]),) * 2)
"""


def held_by_a_process(path: Path, skew: int | None = None) -> subprocess.Popen[str]:
    """skew: it is on another machine, whose clock is so many seconds off."""
    code = HOLD if skew is None else ELSEWHERE + HOLD
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path), str(skew)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_live_holder_keeps_others_out_and_a_killed_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "leases" / "stage.json"
    process = held_by_a_process(path)
    refused = Lease(path).acquire()
    assert refused is not None
    assert refused.pid == process.pid
    assert f"process {process.pid} on" in str(refused)
    process.kill()
    process.wait()
    assert Lease(path).acquire() is None


def test_a_reused_pid_is_not_taken_for_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "stage.json"
    process = held_by_a_process(path)
    process.kill()
    process.wait()
    rewrite(path, pid=os.getpid())
    assert holder(path) is None
    assert Lease(path).acquire() is None


def test_a_released_lease_is_free(tmp_path: Path) -> None:
    path = tmp_path / "stage.json"
    mine = Lease(path)
    assert mine.acquire() is None
    mine.release()
    assert holder(path) is None
    assert Lease(path).acquire() is None


@pytest.mark.parametrize("skew", [-600, 0, 600], ids=["behind", "same", "ahead"])
def test_a_holder_elsewhere_counts_until_its_heartbeat_stops_whatever_its_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skew: int
) -> None:
    """Its machine's clock is ten minutes off, and stamps its beats."""
    monkeypatch.setattr(lease, "EXPIRES", 0.6)
    path = tmp_path / "stage.json"
    process = held_by_a_process(path, skew)
    for _ in range(10):
        assert holder(path) is not None, "it beats"
        time.sleep(0.1)
    process.kill()
    process.wait()
    assert holder(path) is not None, "it may yet beat"
    time.sleep(0.8)
    assert holder(path) is None
    assert heart.stopped(path).exists()
    monkeypatch.setattr(heart, "_seen", {})
    assert holder(path) is None, "who comes later need not watch it again"
    mine = Lease(path)
    assert mine.acquire() is None
    rewrite(path, machine="elsewhere/pid")
    assert not heart.stopped(path).exists(), "another's heart"
    assert holder(path) is not None
    mine.release()


def test_a_later_start_of_a_job_takes_the_lease_of_an_earlier_that_still_beats(
    tmp_path: Path,
) -> None:
    path, lost = tmp_path / "stage.json", threading.Event()
    orphan = Lease(path, on_loss=lost.set, job=("12", 0))
    assert orphan.acquire() is None
    assert Lease(path, job=("13", 1)).acquire() is not None, "another job waits"
    assert Lease(path, job=("12", 0)).acquire() is not None
    later = Lease(path, job=("12", 1))
    assert later.acquire() is None
    assert lost.wait(30)
    orphan.release()
    assert later.lost_to() is None, "the orphan takes nothing along"
    later.release()


def test_a_lease_keeps_others_out_on_a_disk_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    path = tmp_path / "stage.json"
    process = held_by_a_process(path, 0)
    other = Lease(path).acquire()
    assert other is not None
    assert "elsewhere" in str(other)
    process.kill()
    process.wait()


def test_a_torn_lease_file_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "stage.json"
    path.write_text('{"machine"')
    assert Lease(path).acquire() is None


def test_a_torn_or_removed_lease_lets_nobody_in_while_its_holder_lives(tmp_path: Path) -> None:
    path = tmp_path / "stage.json"
    process = held_by_a_process(path)
    for harm in (lambda: path.write_text('{"machine"'), path.unlink):
        harm()
        assert Lease(path).acquire() is not None
        assert holder(path) is not None
    process.kill()
    process.wait()
    assert holder(path) is None
    assert Lease(path).acquire() is None


def test_a_lease_that_was_harmed_is_written_again_with_the_next_heartbeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT", 0.01)
    path, beats = tmp_path / "stage.json", threading.Semaphore(0)
    mine = Lease(path, beats.release)
    assert mine.acquire() is None
    for harm in (path.unlink, lambda: path.write_text("null")):
        harm()
        while not beats.acquire(timeout=30) or not path.exists() or path.read_text() == "null":
            pass
        assert json.loads(path.read_text())["pid"] == os.getpid()
    mine.release()
    assert not path.exists()


def test_whoever_finds_anothers_name_in_its_lease_has_lost_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT", 0.01)
    path, lost = tmp_path / "stage.json", threading.Event()
    mine = Lease(path, on_loss=lost.set)
    assert mine.acquire() is None
    assert mine.lost_to() is None
    theirs = tmp_path / "theirs.json"
    process = held_by_a_process(theirs)
    theirs.rename(path)  # as where no lock is known, or both files were removed
    assert lost.wait(30)
    other = mine.lost_to()
    assert other is not None
    assert other.pid == process.pid
    mine.release()
    assert holder(path) == other, "it is not given back for another"
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    "content", ["null", "[]", "{}", '{"pid": "7"}', "[" * 9999, '{"machine": 7, "pid": 1}']
)
def test_a_lease_of_another_shape_holds_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "stage.json"
    path.write_text(content)
    assert holder(path) is None
    mine = Lease(path)
    assert mine.acquire() is None
    mine.release()


@pytest.mark.parametrize("harm", [Path.mkdir, lambda path: path.symlink_to(path)])
def test_what_lies_in_the_place_of_a_lease_or_its_lock_makes_room(
    tmp_path: Path, harm: Callable[[Path], Any]
) -> None:
    path = tmp_path / "stage.json"
    harm(path)
    harm(path.with_suffix(".lock"))
    assert holder(path) is None
    mine = Lease(path)
    assert mine.acquire() is None
    assert Lease(path).acquire() is not None
    mine.release()


def test_a_look_at_a_lease_never_keeps_it_from_who_wants_it(tmp_path: Path) -> None:
    path = tmp_path / "stage.json"
    mine = Lease(path)
    assert mine.acquire() is None
    mine.release()
    with path.with_suffix(".lock").open("rb") as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        threading.Timer(0.2, fcntl.flock, (look, fcntl.LOCK_UN)).start()
        assert mine.acquire() is None
    assert mine._lock is not None, "with the lock"
    mine.release()


def test_what_a_killed_machine_wrote_half_of_a_heart_goes_with_the_next_holder(
    tmp_path: Path,
) -> None:
    path = tmp_path / "zero-[1].json"
    half = heart.stopped(path).with_name(f"{heart.stopped(path).name}.n2.tmp")
    half.write_text("{")
    following = Lease(path)
    assert following.acquire() is None
    assert not half.exists()
    following.release()
