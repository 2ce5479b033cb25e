"""The real recipe's stages as jobs of a Slurm of two nodes: the same results as on one machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.slurm_cluster import Cluster
from tests.recipe.conftest import PROFILE, r1


def published(root: Path, stage: str) -> dict[str, Any]:
    """The manifest of a stage's newest result."""
    [path] = (root / "store" / stage).glob("*/manifest.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def digests(manifest: dict[str, Any]) -> dict[str, str]:
    """Of its weights and all that goes with them; curves and the tally of verdicts have times."""
    files = manifest["files"].items()
    return {name: file["sha256"] for name, file in files if name.startswith("model/")}


def test_rl_over_slurm_publishes_the_bits_that_it_publishes_locally(
    whole: Path, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, cluster.environment()[name])
    local = published(whole, "zero")
    threads = local["attempts"][-1]["threads"]  # another number rounds otherwise
    words = ["launcher=slurm", f"launcher.threads={threads}", "launcher.poll_seconds=0.5"]
    done = r1(tmp_path, "run", PROFILE, "until=zero", "tracking=none", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    over_slurm = published(tmp_path, "zero")
    assert over_slurm["fingerprint"] == local["fingerprint"]
    assert digests(over_slurm) == digests(local) != {}
