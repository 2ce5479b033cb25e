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
    """Of weights and all that goes with them, of samples and what is counted of them.

    Curves and the tally of verdicts have times.
    """
    files = manifest["files"].items()
    kept = ("model/", "samples.parquet", "problems.parquet", "metrics.json")
    return {
        name: file["sha256"]
        for name, file in files
        if name.startswith(kept) and not name.endswith(".jsonl")
    }


def test_rl_and_an_evaluation_with_engines_on_another_node_publish_the_bits_that_they_do_locally(
    whole: Path, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, cluster.environment()[name])
    local = {stage: published(whole, stage) for stage in ("zero", "eval_zero")}
    threads = local["zero"]["attempts"][-1]["threads"]  # another number rounds otherwise
    words = ["launcher=slurm", f"launcher.threads={threads}", "launcher.poll_seconds=0.5"]
    engines = "stages.eval_zero.rollout={engine_nodes: 1, shard_samples: 2}"
    done = r1(tmp_path, "run", PROFILE, "until=eval_zero", "tracking=none", *words, engines)
    assert done.returncode == 0, done.stdout + done.stderr
    for stage, before in local.items():
        over_slurm = published(tmp_path, stage)
        assert over_slurm["fingerprint"] == before["fingerprint"]
        assert digests(over_slurm) == digests(before) != {}
    [offer] = tmp_path.glob("runs/*/jobs/eval_zero/start-0/engines-1.json")
    assert len(json.loads(offer.read_text())["addresses"]) == 1
