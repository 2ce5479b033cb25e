"""Proving and cleaning rows of a public mix: rows a second beside plain ways, and peak memory.

    make bench-data [DATA=folder with the data sets] [ARGS='--rows 50000']

Rows are those of benchmarks/open_rows.py. Each way runs in a process of its own, so that its peak
of memory is its own; its start and imports are not counted:

prove               the stage `prove_problems`, as it ships, on a fifth of the rows and on all
prove again         the same once more: everything is kept beside the input
prove <verifier>    the rows of one verifier alone
math-verify         the mathematics of them, row by row in one process, a part of the rows
clean               the stage `clean_problems` against the benchmarks, on a fifth and on all
plain               a dictionary of n-grams, a row at a time (benchmarks/plain_ngrams.py)

Flat memory is a peak that five times as many rows do not raise. Not a test: it prints what is true.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from benchmarks.answer_sets import Answered
from benchmarks.decontamination import WAYS as DECONTAMINATION
from benchmarks.decontamination_rows import shipped, write_benchmarks
from benchmarks.files import OWN, ROOT, Folder
from benchmarks.graders import MathVerify
from benchmarks.open_rows import SHARES, write_open_rows
from pipeline.artifact import Artifact
from pipeline.context import Context
from pipeline.kinds import Outputs

ROWS, BENCHMARKS = "rows.parquet", "benchmarks"
FIFTH, ALL = "fifth", "all"
BESIDE = 2_000  # rows of mathematics for math-verify


def main(argv: Sequence[str] | None = None) -> None:
    """Make the rows, run every way and print the table; or, in a process of its own, run one."""
    options = _options(argv)
    if options.way:
        print(json.dumps(_measured(options.way, Path(options.folder))))
        return
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="proving-") as name:
        folder = Path(name)
        data = Folder(options.data or OWN)
        made = _write(data, folder, options.rows)
        said = ", ".join(f"{verifier} {count:,}" for verifier, count in made.items())
        console.print(
            f"{os.cpu_count()} CPUs; {options.rows:,} rows: {said}"
            + ("" if options.data else " (tests/data only)")
        )
        results = {way: _alone(way, folder) for way in WAYS}
    console.print(_table(results))
    if options.json:
        report = {"rows": options.rows, "made": made, "results": results}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-data")
    parser.add_argument("--data", type=Path, help="folder with one folder for each data set")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--json", type=Path, help="write all numbers here")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _write(data: Folder, folder: Path, rows: int) -> dict[str, int]:
    for name in (BENCHMARKS, FIFTH, ALL, *SHARES):
        (folder / name).mkdir()
    write_benchmarks(data, folder / BENCHMARKS)
    write_open_rows(data, folder / FIFTH / ROWS, rows // 5)
    made = write_open_rows(data, folder / ALL / ROWS, rows)
    whole = pq.read_table(folder / ALL / ROWS)
    for verifier in SHARES:
        mask = [one == verifier for one in whole.column("verifier").to_pylist()]
        pq.write_table(whole.filter(mask), folder / verifier / ROWS)
    os.symlink(folder / ALL / ROWS, folder / ROWS)  # for the plain way
    return made


def _alone(way: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.proving", "--way", way, "--folder", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(way: str, folder: Path) -> dict[str, Any]:
    """One way in this process: rows, seconds, rows dropped, the peak of memory in MiB."""
    rows, dropped, seconds = WAYS[way](folder)
    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in WHO)
    return {"rows": rows, "seconds": seconds, "dropped": dropped, "peak": own, "child": child}


def _prove(folder: Path, name: str) -> tuple[int, int, float]:
    from stages.kinds.prove.kind import PassRate, ProveConfig
    from stages.kinds.prove.run import run
    from stages.settings.verifiers import TrainingVerifiers

    said: Any = OmegaConf.to_container(OmegaConf.load(ROOT / "conf/verifiers/default.yaml"))
    policy = said.pop("training_policy")
    verifiers = TrainingVerifiers(**said | {"policy": policy, "workers": os.cpu_count() or 1})
    numbers: Any = OmegaConf.to_container(OmegaConf.load(ROOT / "conf/stage/prove_problems.yaml"))
    config = ProveConfig(
        "prove_problems",
        seed=0,
        verifiers=verifiers,
        pass_rate=PassRate(**numbers["pass_rate"]),
        max_refused=1.0,
        max_same_answer=1.0,
    )
    inputs = {"data_from": (_artifact(folder / name, name),)}
    return _counted(lambda: run(config, inputs, _context(folder, "prove")))


def _clean(folder: Path, name: str) -> tuple[int, int, float]:
    from stages.kinds.clean.kind import CleanConfig
    from stages.kinds.clean.run import run

    against = []
    for file in sorted((folder / BENCHMARKS).glob("*.parquet")):
        place = folder / f"as-{file.stem}"
        place.mkdir(exist_ok=True)
        if not (place / ROWS).exists():
            os.symlink(file, place / ROWS)
        against.append(_artifact(place, file.stem))
    config = CleanConfig("clean_problems", seed=0, **shipped())
    inputs = {"data_from": (_artifact(folder / name, name),), "apart_from": tuple(against)}
    return _counted(lambda: run(config, inputs, _context(folder, "clean")))


def _artifact(folder: Path, name: str) -> Artifact:
    facts = {"stage": name, "type": "problems", "fingerprint": name, "facts": {}}
    return Artifact(folder, facts)


def _context(folder: Path, stage: str) -> Context:
    place = Path(tempfile.mkdtemp(dir=folder))
    (place / "work").mkdir()
    (place / "output").mkdir()
    return Context(
        *(stage, "", place / "work", place / "output", 0, os.cpu_count() or 1),
        shared=folder / "shared",
    )


def _counted(run: Callable[[], Outputs]) -> tuple[int, int, float]:
    started = time.perf_counter()
    funnel = run().funnel
    return funnel["read"], funnel["read"] - funnel["kept"], time.perf_counter() - started


def _math_verify(folder: Path) -> tuple[int, int, float]:
    rows = pq.read_table(folder / "math" / ROWS).slice(0, BESIDE).to_pylist()
    asked = [
        Answered(row["id"], "", row["reference"], f"\\boxed{{{row['reference']}}}", True)
        for row in rows
    ]
    grader = MathVerify("default")
    found = grader.run(asked)
    grader.close()
    return len(rows), sum(grade.accepted is not True for grade in found.grades), found.seconds


def _plain(folder: Path) -> tuple[int, int, float]:
    found = DECONTAMINATION["plain"](folder)
    rows = pq.ParquetFile(folder / ROWS).metadata.num_rows
    return rows, len(found["found"]), found["index_seconds"] + found["seconds"]


WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
WAYS: dict[str, Callable[[Path], tuple[int, int, float]]] = {
    "prove, a fifth": lambda folder: _prove(folder, FIFTH),
    "prove": lambda folder: _prove(folder, ALL),
    "prove again": lambda folder: _prove(folder, ALL),
    "prove math": lambda folder: _prove(folder, "math"),
    "prove choice": lambda folder: _prove(folder, "choice"),
    "prove instruction": lambda folder: _prove(folder, "instruction"),
    "prove code": lambda folder: _prove(folder, "code"),
    "math-verify": _math_verify,
    "clean, a fifth": lambda folder: _clean(folder, FIFTH),
    "clean": lambda folder: _clean(folder, ALL),
    "plain": _plain,
}


def _table(results: dict[str, dict[str, Any]]) -> Table:
    table = Table("way", "rows", "seconds", "rows/s", "dropped", "peak MiB", "of a child")
    for way, one in results.items():
        table.add_row(
            way,
            f"{one['rows']:,}",
            f"{one['seconds']:.1f}",
            f"{one['rows'] / one['seconds']:,.0f}",
            f"{one['dropped']:,}",
            f"{one['peak']:.0f}",
            f"{one['child']:.0f}",
        )
    return table


if __name__ == "__main__":
    main()
