"""Whether nodes reach each other, tried by two processes as `r1 doctor --cluster` starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from pipeline.launchers.peers import free_port


def test_two_ranks_sum_over_gloo_and_say_how_fast() -> None:
    port = str(free_port())
    ranks = [
        subprocess.Popen(
            [sys.executable, "-m", "stages.training.reach"],
            env=os.environ
            | {"RANK": str(rank), "WORLD_SIZE": "2"}
            | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for rank in ranks:
        said, _ = rank.communicate(timeout=100)
        found = {
            name: value for line in said.splitlines() for name, value in json.loads(line).items()
        }
        assert rank.returncode == 0, said
        assert found["gloo"] > 0.0
        assert "error" not in found
