"""`r1 gc`: what may go, what is kept, and that it asks."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Toy

from pipeline.store import Store

ALL = ["numbers", "left", "right", "both"]
OTHER = "stages.left.add=2"


@pytest.fixture
def both_kept(finished: Toy) -> Toy:
    """A store with the results of two settings; those of the other are copies of the first."""
    for stage in ("left", "both"):
        (made,) = (finished.store / stage).iterdir()
        shutil.copytree(made, made.with_name("0" * 16))
    (finished.store / ".shared" / ("0" * 16)).mkdir()
    return finished


def test_gc_keeps_what_other_settings_made_unless_it_is_told(both_kept: Toy) -> None:
    output = both_kept.here("gc", "--delete", "--yes")
    assert "0 folders, 0.0 MiB" in output
    assert "kept: 3 folders, " in output
    assert len(both_kept.manifests("left")) == 2
    listed = both_kept.here("gc", "--others")
    assert listed.count("a result of other settings") == 2
    assert len(both_kept.manifests("left")) == 2, "listed, not deleted"
    both_kept.here("gc", "--others", "--delete", "--yes")
    assert [len(both_kept.manifests(stage)) for stage in ALL] == [1, 1, 1, 1]
    assert len(list((both_kept.store / ".shared").iterdir())) == 2, "beside left and right"
    assert "nothing to do" in both_kept.here("run")


def test_gc_refuses_to_delete_where_nobody_can_be_asked(both_kept: Toy) -> None:
    output = both_kept.here("gc", "--others", "--delete", expect=2)
    assert "there is no terminal to ask at: add `--yes`" in output
    assert len(both_kept.manifests("left")) == 2


@pytest.mark.parametrize(("answer", "left"), [("n", 2), ("y", 1)])
def test_gc_asks_at_a_terminal_and_names_the_size(both_kept: Toy, answer: str, left: int) -> None:
    ours, theirs = pty.openpty()
    process = both_kept.start("gc", "--others", "--delete", stdin=theirs)
    os.write(ours, f"{answer}\n".encode())
    output, _ = process.communicate(timeout=120)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, output
    assert "Delete these 3 folders, 0.0 MiB? [y/N]" in output
    assert len(both_kept.manifests("left")) == left


def test_gc_deletes_a_half_adoption_and_what_comes_after_it(finished: Toy) -> None:
    half = finished.store / ".work" / "adopt-left-0123-77"
    half.mkdir(parents=True)
    (half / "manifest.json").write_text("{")
    corrupt = finished.store / ".corrupt" / "left-0123-1"
    corrupt.mkdir(parents=True)
    stray = finished.store / ".work" / "left" / "note.txt"
    stray.parent.mkdir(exist_ok=True)
    stray.touch()
    output = finished.here("gc", "--others", "--delete", "--yes")
    assert "an adoption that was cut" in output
    assert not half.exists()
    assert not corrupt.exists()
    assert not stray.exists()


@contextlib.contextmanager
def held(lease: Path) -> Iterator[None]:
    """Another process has this lease while the block runs."""
    code = (
        "import sys, pathlib, pipeline.lease as a\n"
        f"assert a.Lease(pathlib.Path({str(lease)!r})).acquire() is None\n"
        "print(flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as other:
        assert other.stdout is not None
        other.stdout.readline()
        yield
        other.kill()


def test_gc_leaves_an_adoption_alone_that_goes_on(finished: Toy) -> None:
    live = finished.store / ".work" / "adopt-left-0123"
    live.mkdir(parents=True)
    with held(finished.store / ".leases" / "adopt-left-0123.json"):
        assert "0 folders" in finished.here("gc", "--delete", "--yes")
        said = finished.here("gc", "--others", "--delete", "--yes", expect=2)
        assert "runs adopt-left-0123" in said
        assert live.exists()
    assert "1 folder," in finished.here("gc", "--others", "--delete", "--yes")
    assert not live.exists()


def test_an_adoption_waits_while_another_runner_is_at_it(finished: Toy, tmp_path: Path) -> None:
    [there] = (finished.store / "left").iterdir()
    here = Store(tmp_path / "here", [finished.store])
    lease = here.root / ".leases" / f"adopt-left-{there.name}.json"
    with ThreadPoolExecutor(1) as other:
        with held(lease):
            adopting = other.submit(here.adopt, "left", there.name)
            time.sleep(0.5)
            assert not adopting.done()
        artifact = adopting.result(timeout=60)
    assert artifact is not None
    assert artifact.path == here.root / "left" / there.name


def test_gc_deletes_no_result_of_other_settings_between_two_stages_of_a_run(finished: Toy) -> None:
    with held(finished.latest_run() / "runner.json"):
        said = finished.here("gc", "--others", "--delete", "--yes", OTHER, expect=2)
    assert f"runs {finished.latest_run().name}, and may need what is listed" in said
    assert len(finished.manifests("left")) == 1


def test_gc_deletes_no_result_of_other_settings_while_a_stage_runs(toy: Toy) -> None:
    process = toy.start("run", OTHER, "stages.left.delay=20")
    toy.wait_for("left-*.json")
    try:
        assert "runs left-" in toy.here("gc", "--others", "--delete", "--yes", expect=2)
        toy.here("gc", "--delete", "--yes")
        assert list((toy.store / ".work" / "left").glob("*")), "its work is kept"
    finally:
        process.kill()
        process.communicate()


def test_what_a_kill_right_after_publishing_leaves_goes_with_the_next_run(finished: Toy) -> None:
    (artifact,) = (finished.store / "both").iterdir()
    work = finished.store / ".work" / "both" / artifact.name
    work.mkdir(parents=True)
    (work / "attempts.json").write_text("[]")
    lease = finished.store / ".leases" / f"both-{artifact.name}.json"
    lease.write_text("{}")
    assert "nothing to do" in finished("run")
    assert not work.exists()
    assert not lease.exists()
