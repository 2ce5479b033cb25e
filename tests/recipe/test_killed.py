"""A stage that is killed goes on from its checkpoint, to the result it would have had."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.recipe.conftest import PROFILE, ROOT, command, environment, r1

STEPS = 8
WORDS = (
    PROFILE,
    "recipe=r1_zero",
    "tracking=none",
    "until=zero",
    f"stages.zero.max_steps={STEPS}",
)


def result(root: Path) -> tuple[str, list[tuple[float | None, ...]]]:
    """The digest of zero's weights, and by step its reward and what it did on held-out problems."""
    folder = next((root / "store" / "zero").glob("*/model")).parent
    weights = (folder / "model" / "model.safetensors").read_bytes()
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    curves = ("step", "reward", "validation/accuracy")  # before the first step there is no reward
    points = [tuple(line.get(name) for name in curves) for line in lines]
    return hashlib.sha256(weights).hexdigest(), points


def wait_for_steps(root: Path, count: int) -> Path:
    """The work directory of zero, once it has logged `count` steps."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        for curve in (root / "store" / ".work" / "zero").glob("*/metrics.jsonl"):
            if len(curve.read_text().splitlines()) >= count:
                return curve.parent
        time.sleep(0.02)
    raise AssertionError("zero logged nothing in two minutes")


def stage_process(runner: int) -> int:
    """The process that runs the stage: the youngest descendant of the runner's fork server."""
    found = [runner]
    for pid in found:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    forks = [p for p in found if "forkserver" in Path(f"/proc/{p}/cmdline").read_text()]
    return max(forks)


def test_a_stage_killed_in_the_middle_resumes_to_the_same_result(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert r1(whole, "run", *WORDS).returncode == 0

    run = subprocess.Popen(
        command("run", *WORDS), cwd=ROOT, env=environment(killed), stdout=subprocess.PIPE, text=True
    )
    wait_for_steps(killed, 3)
    os.kill(stage_process(run.pid), signal.SIGKILL)
    output, _ = run.communicate(timeout=180)
    assert run.returncode == 1
    assert "SIGKILL" in output
    assert "to retry: r1 run" in output

    again = r1(killed, "run", *WORDS)
    assert again.returncode == 0
    assert "again from its work directory" in again.stdout
    assert result(killed) == result(whole)
