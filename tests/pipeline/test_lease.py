"""A lease is refused while its holder lives and free the moment it is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pipeline import lease
from pipeline.lease import Lease, holder

HOLD = """
import sys, time
from pathlib import Path
from pipeline.lease import Lease
assert Lease(Path(sys.argv[1])).acquire() is None
print("held", flush=True)
time.sleep(60)
"""


def held_by_a_process(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
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


def test_a_holder_elsewhere_counts_until_its_heartbeat_stops(tmp_path: Path) -> None:
    path = tmp_path / "stage.json"
    mine = Lease(path)
    mine.acquire()
    mine.release()
    mine = Lease(path)
    mine.acquire()
    rewrite(path, machine="elsewhere/pid")
    assert holder(path) is not None
    long_ago = time.time() - lease.EXPIRES - 1
    os.utime(path, (long_ago, long_ago))
    assert holder(path) is None
    mine.release()


def test_a_torn_lease_file_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "stage.json"
    path.write_text('{"machine"')
    assert Lease(path).acquire() is None
