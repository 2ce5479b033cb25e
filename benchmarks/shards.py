"""A thousand shards of samples over a real Slurm: how queue, ledger and store hold.

    python -m benchmarks.shards [--shards 1000] [--json FILE]

Brings up the Slurm of the tests, two nodes on this machine (requirements/slurm.sh), and evaluates
the tiny base on as many problems of maths as there are shards, one sample each, in four ways: in
one shard on one node; a shard a sample on one node; the same with an engine node; and that once
more with nothing but the ledger. While it draws, `r1 status` is asked every other second. The
samples of all shards must be the same, byte for byte (in one shard, batches round otherwise).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.pipeline.slurm_cluster import Cluster, absent

HERE = Path(__file__).resolve().parents[1]
STAGE = "many"
BESIDE = "one shard, one node"  # what the others are held against
PAUSE = 2.0  # seconds between two looks


@dataclass(frozen=True)
class Way:
    """How it is drawn. again: of the ledger that the way before has left."""

    name: str
    shard_samples: int
    engine_nodes: int = 0
    again: bool = False


@dataclass(frozen=True)
class Seen:
    """What it took.

    drawing: seconds of the stage but for its start. engines: seconds that they drew, all together.
    status: seconds that `r1 status` took each time. jobs: most in Slurm's queue at once. files,
    mib: of the store; work_files: most in the stage's work folder; logs_mib: of the run's folder.
    """

    way: str
    drawing: float
    engines: float
    status: list[float]
    jobs: int
    shards: int
    files: int
    mib: float
    work_files: int
    logs_mib: float
    digest: str


def main(given: Sequence[str] | None = None) -> None:
    """Run all ways and print the table; exits with an error where samples differ."""
    options = _options(given)
    if lacks := absent():
        sys.exit(f"no Slurm here: {', '.join(lacks)} (requirements/slurm.sh)")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # sockets want short paths
    cluster = Cluster(folder)
    ways = [
        Way(BESIDE, options.shards),
        Way("a shard a sample, one node", 1),
        Way("a shard a sample, an engine node", 1, engine_nodes=1),
        Way("the same from the ledger", 1, engine_nodes=1, again=True),
    ]
    seen: list[Seen] = []
    try:
        cluster.up()
        for number, way in enumerate(ways):
            root = folder / f"root{number - way.again}"
            seen.append(_run(way, root, cluster, options.shards))
            Console(stderr=True).print(f"{way.name}: {seen[-1].drawing:.1f} s", markup=False)
    finally:
        cluster.down()
        shutil.rmtree(folder, ignore_errors=True)
    Console(width=130).print(_table(seen, options.shards))
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in seen], indent=1) + "\n")
    if len({one.digest for one in seen[1:]}) > 1:
        sys.exit("the samples differ")


def _run(way: Way, root: Path, cluster: Cluster, count: int) -> Seen:
    store, words = root / "store", _words(way, count)
    if way.again:
        shutil.rmtree(store / STAGE)
    environment = {**cluster.environment(), "R1_ROOT": str(root), "PYTHONPATH": str(HERE)}
    log = root.with_suffix(".log")
    with log.open("w") as output:
        run = subprocess.Popen(
            _r1("run", *words), cwd=HERE, env=environment, stdout=output, stderr=output
        )
    status, jobs, work_files = [], 0, 0
    while run.poll() is None:
        time.sleep(PAUSE)
        if (work := next((store / ".work" / STAGE).glob("*"), None)) is not None:
            status.append(_status(words, environment))
            work_files = max(work_files, len(_files(work)))
        jobs = max(jobs, len(cluster("squeue", "-h", "-o", "%i").split()))
    if run.returncode:
        sys.exit(f"{way.name}: {log.read_text()}")
    [manifest] = [json.loads(path.read_text()) for path in (store / STAGE).glob("*/manifest.json")]
    phases, counts = manifest["cost"]["phases"], manifest["cost"]["counts"]
    return Seen(
        way=way.name,
        drawing=sum(phases.values()) - phases["start"],
        engines=counts.get("engine_seconds", 0.0),
        status=status,
        jobs=jobs,
        shards=len(list(store.rglob("samples/*/*.parquet"))),
        files=len(_files(store)),
        mib=_mib(store),
        work_files=work_files,
        logs_mib=_mib(root / "runs"),
        digest=manifest["files"]["samples.parquet"]["sha256"],
    )


def _words(way: Way, count: int) -> list[str]:
    """What is asked for, by `r1 run` and `r1 status`."""
    own = {
        "evaluates": "base",
        "data_from": "[reasoning_prompts]",
        "limit_problems": count,
        "samples_per_problem": 1,
        "sampling.max_tokens": 16,
        "pass_at": "[1]",
        "rollout.shard_samples": way.shard_samples,
        "rollout.engine_nodes": way.engine_nodes,
    }
    cluster = ["launcher=slurm", "launcher.threads=1", "launcher.job.gpus=0", "tracking=none"]
    stage = [f"stages.{STAGE}.{key}={value}" for key, value in own.items()]
    rows = [f"tiny_rows.reasoning={{math: {count}, code: 0, stem: 0, logic: 0}}"]
    graph = ["profile=smoke", f"+stage@stages.{STAGE}=evaluate", f"until={STAGE}", *rows]
    return [*graph, *cluster, "launcher.poll_seconds=1", *stage]


def _status(words: Sequence[str], environment: dict[str, str]) -> float:
    begun = time.monotonic()
    subprocess.run(
        _r1("status", "--json", *words), cwd=HERE, env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return time.monotonic() - begun


def _r1(*words: str) -> list[str]:
    return [sys.executable, "-m", "stages", *words]


def _files(folder: Path) -> list[Path]:
    """All files below; some may go while they are listed."""
    return [Path(place, name) for place, _, names in os.walk(folder) for name in names]


def _mib(folder: Path) -> float:
    return sum(path.lstat().st_size for path in _files(folder)) / 2**20


def _table(seen: Sequence[Seen], count: int) -> Table:
    table = Table(title=f"{count} samples; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    columns = ("way", "drawing s", "engine s", "ms a shard", "status s", "jobs", "shards", "files")
    for column in (*columns, "MiB", "work files", "run MiB"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for one in seen:
        table.add_row(*_row(one, seen[0]))
    return table


def _row(one: Seen, beside: Seen) -> list[Any]:
    """ms a shard: what drawing took longer than in one shard, but for what engines took longer."""
    slower = (one.drawing - one.engines) - (beside.drawing - beside.engines)
    alone = one.shards > 1 and one.engines and "engine node" not in one.way
    status = statistics.median(one.status) if one.status else float("nan")
    return [
        one.way,
        f"{one.drawing:.1f}",
        f"{one.engines:.1f}",
        f"{1000 * slower / one.shards:.1f}" if alone else "",
        f"{status:.2f}",
        *map(str, (one.jobs, one.shards, one.files)),
        f"{one.mib:.1f}",
        str(one.work_files),
        f"{one.logs_mib:.2f}",
    ]


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.shards",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    return parser.parse_args(given)


if __name__ == "__main__":
    main()
