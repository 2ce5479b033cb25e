"""The shrunken recipe, run once through the real command line on the base that ships."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROFILE = "profile=smoke"

Run = Callable[..., subprocess.CompletedProcess[str]]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "stages", *words]


def environment(root: Path) -> dict[str, str]:
    return {**os.environ, "R1_ROOT": str(root)}


def r1(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`r1 WORDS` with its results under `root`."""
    return subprocess.run(
        command(*words), cwd=ROOT, env=environment(root), capture_output=True, text=True
    )


def stages(root: Path, *words: str) -> dict[str, dict[str, Any]]:
    """The rows of `r1 plan --json` or `r1 status --json`, by stage."""
    done = r1(root, *words, "--json")
    assert done.returncode == 0, done.stderr
    return {row["stage"]: row for row in json.loads(done.stdout)["stages"]}


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of every stage; one for all workers of pytest-xdist."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    base = tmp_path_factory.getbasetemp()
    root = (base if alone else base.parent) / "whole"
    made = root.with_suffix(".made")
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            done = r1(root, "run", PROFILE)
            assert done.returncode == 0, done.stdout + done.stderr
            made.touch()
    return root
