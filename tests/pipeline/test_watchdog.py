"""A stage that does not move: its stacks are shown and its user is told, and it may go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from conftest import Toy

from pipeline.notices import Notices


def run(script: str, until: str, log: Path) -> str:
    """Run a script with its errors in a log until something stands there; then kill it."""
    deadline = time.monotonic() + 180
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)], stderr=errors, start_new_session=True
        )
    try:
        while until not in (text := log.read_text(errors="replace")):
            assert process.poll() is None, text
            assert time.monotonic() < deadline, text
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return text


def test_a_slow_stage_is_told_with_its_stacks_and_still_finishes(toy: Toy) -> None:
    output = toy("run", "until=left", "stages.left.delay=1.5", "+launcher.watchdog.seconds=0.4")
    assert "left: warning: no progress for" in output
    assert "raise launcher.watchdog.seconds" in output
    assert "left: done" in output
    log = (toy.latest_run() / "logs" / "left.log").read_text()
    assert 'toy_recipe/stages.py"' in log
    assert " in work" in log


def test_with_stop_a_stage_that_hangs_is_ended(toy: Toy) -> None:
    settings = "+launcher.watchdog={seconds: 0.4, stop: true}"
    output = toy("run", "until=left", "stages.left.delay=60", settings, expect=1)
    assert "left: FAILED" in output
    assert "ended by launcher.watchdog.stop" in output


def test_progress_keeps_the_watchdog_quiet(toy: Toy) -> None:
    settings = ("stages.left.delay=0.2", "stages.left.steps=8", "+launcher.watchdog.seconds=0.8")
    assert "warning" not in toy("run", "until=left", *settings)


def test_a_wrong_setting_is_refused_by_its_key(toy: Toy) -> None:
    output = toy("run", "until=left", "+launcher.watchdog.seconds=soon", expect=2)
    assert "launcher.watchdog.seconds: found 'soon'" in output


HANGS = """
    import os, subprocess, time
    from pipeline.watchdog import Patience, watching

    def parent_waits():
        time.sleep(60)

    def child_waits():
        time.sleep(60)

    with watching(Patience(0.4)):
        other = subprocess.Popen(["sleep", "60"])
        if os.fork() == 0:
            child_waits()
        parent_waits()
"""


def test_children_that_python_forked_show_their_stacks_and_others_are_named(tmp_path: Path) -> None:
    text = run(HANGS, until="r1 warning: no progress", log=tmp_path / "log")
    assert "in parent_waits" in text
    assert "in child_waits" in text
    assert "(sleep, sleeping): no Python stacks" in text


KEEPS_THE_GIL = """
    import re
    from pipeline.watchdog import Patience, watching

    def matches_for_ever():
        re.match("(a+)+$", "a" * 40 + "b")

    with watching(Patience(0.4)):
        matches_for_ever()
"""


def test_code_that_keeps_the_interpreter_to_itself_is_shown_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    text = run(KEEPS_THE_GIL, until="in matches_for_ever", log=log)
    assert "r1 warning" not in text  # no Python of ours could run
    assert Notices(log).new() == [
        f"hangs in code that never returns to Python; its stacks are in {log}"
    ]


def test_only_whole_marked_lines_are_notices(tmp_path: Path) -> None:
    log = tmp_path / "log"
    notices = Notices(log)
    assert notices.new() == []
    log.write_text("loading\nr1 warning: too hot\nr1 warning: half of")
    assert notices.new() == ["too hot"]
    with log.open("a") as file:
        file.write(" a line\n")
    assert notices.new() == ["half of a line"]
