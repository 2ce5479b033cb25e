"""Disks that are full, read-only or not there: one message each, which names the right one."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path

import pytest
from conftest import Toy

from pipeline.disk import full_disk


def test_a_full_disk_is_known_however_a_library_wraps_it(tmp_path: Path) -> None:
    wrapped = RuntimeError("cannot save")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert full_disk(wrapped, tmp_path)
    assert full_disk(RuntimeError("I/O error: No space left on device (os error 28)"), tmp_path)
    assert not full_disk(OSError(errno.EACCES, "Permission denied"), tmp_path)
    assert not full_disk(RuntimeError("unexpected pos 64 vs 0"), tmp_path)


def test_a_full_disk_is_known_by_its_room_when_the_error_speaks_of_something_else(
    small_disk: Path,
) -> None:
    assert full_disk(RuntimeError("unexpected pos 64 vs 0"), small_disk / "store")


def test_the_message_about_a_full_disk_names_the_disk_of_the_store(
    toy: Toy, small_disk: Path
) -> None:
    output = toy("run", f"paths.root={small_disk}", "stages.numbers.count=100000", expect=1)
    assert f"the disk is full: 0 MiB left for {small_disk}" in output
    assert f"left for {toy.folder}\n" not in output
    assert "Traceback" not in output


def test_a_read_only_store_is_looked_at_and_refused_for_a_run(toy: Toy, small_disk: Path) -> None:
    root = f"paths.root={small_disk}"
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert set(toy.states(root, verb="plan").values()) == {"run"}
    output = toy("run", root, expect=2)
    assert f"paths.store: {small_disk}/store cannot be written (Read-only file system)" in output
    report = toy("report", root, expect=1)
    assert f"error: {small_disk}/runs: Read-only file system" in report


@pytest.mark.parametrize("root", ["/proc/nope", "/dev/null/outputs"])
def test_results_in_no_possible_place_are_refused_before_anything_runs(toy: Toy, root: str) -> None:
    output = toy("run", f"paths.root={root}", expect=2)
    assert output.startswith("error: paths.store: ")
    assert "\n" not in output.strip()
