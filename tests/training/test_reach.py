"""Whether nodes reach each other, tried by two ranks as `r1 doctor --cluster` starts them."""

from __future__ import annotations

import contextlib
import json
import os
from multiprocessing import get_context
from pathlib import Path

from pipeline.launchers.peers import free_port
from stages.training import reach


def rank(number: int, port: int, said: Path) -> None:
    os.environ |= {"RANK": str(number), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    with said.open("w") as file, contextlib.redirect_stdout(file):
        code = reach.main()
    os._exit(code)


def test_two_ranks_sum_over_gloo_and_say_how_fast(tmp_path: Path) -> None:
    port, fork = free_port(), get_context("fork")
    said = [tmp_path / str(number) for number in range(2)]
    ranks = [fork.Process(target=rank, args=(n, port, file)) for n, file in enumerate(said)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(100)
        assert process.exitcode == 0
    for file in said:
        lines = map(json.loads, file.read_text().splitlines())
        found = {name: value for line in lines for name, value in line.items()}
        assert found["gloo"] > 0.0
        assert "error" not in found
