"""Decontamination measured: what it finds, and a million rows beside a plain set-of-n-grams script.

    python -m benchmarks.decontamination --data <folder with the data sets> [--rows 1000000]

`--only truth`: sets that lie in others, halves of items, what real training sets lose under these
and other rules, rewordings (benchmarks/decontamination_truth.py). `--only speed`: as follows.

Benchmarks: what the recipe evaluates, as its readers give it, with reference solutions. Rows: real
training problems and solutions, cut into sentences, put together anew and with other digits (so no
two are alike), half of them in thoughts; every hundredth holds the middle of a benchmark item. The
same Parquet file goes through, each in a process of its own so that its peak memory is its own:

plain       a dictionary of n-grams, a row at a time (benchmarks/plain_ngrams.py), one process
ours        stages/hygiene, decontamination alone, one thread and all CPUs
the stage   the whole of `clean_conversations`: exact and near duplicates too, reports written

Plain and ours must find the same rows; the run fails where they do not. `--repeat` times each again
and takes the median, in alternating order. Where other work shares the machine, the seconds of the
processor compare better than those on the wall. Not a test: it prints what is true.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks.decontamination_rows import (
    shipped,
    shipped_rules,
    write_benchmarks,
    write_training_rows,
)
from benchmarks.decontamination_truth import truth
from benchmarks.files import OWN, Folder
from benchmarks.plain_ngrams import PlainNgrams
from stages.hygiene.benchmarks import index
from stages.hygiene.contamination import contaminated
from stages.hygiene.row_files import BATCH, StageRows
from stages.hygiene.sweep import READ, ahead

ROWS, BENCHMARKS = "rows.parquet", "benchmarks"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the sections and print their tables; or, inside a process of its own, run one way."""
    options = _options(argv)
    if options.way:
        print(json.dumps(_measured(options.way, Path(options.folder))))
        return
    console = Console(width=120)
    report: dict[str, Any] = {}
    for section in options.only:
        report[section] = SECTIONS[section](console, options)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def _truth(console: Console, options: argparse.Namespace) -> dict[str, Any]:
    return truth(console, Folder(options.data or OWN))


def _speed(console: Console, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="decontamination-") as name:
        folder = Path(name)
        data = Folder(options.data or OWN)
        (folder / BENCHMARKS).mkdir()
        items = write_benchmarks(data, folder / BENCHMARKS)
        facts = write_training_rows(data, folder / BENCHMARKS, folder / ROWS, options.rows)
        console.print(
            f"{os.cpu_count()} CPUs; {len(items)} benchmarks, {sum(items.values())} items; "
            f"{options.rows} rows, {facts['characters'] / options.rows:.0f} characters each, "
            f"{facts['planted']} with the middle of an item"
            + ("" if options.data else " (tests/data only)")
        )
        results = _all_ways(folder, options.repeat)
        _same_rows(folder, facts["planted_rows"], results)
    console.print(_table(results))
    if data.missing:
        console.print("Not in this folder: " + ", ".join(sorted(set(data.missing))))
    return {"rows": options.rows, "benchmarks": items, "results": results}


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-decontamination")
    parser.add_argument("--data", type=Path, help="folder with one folder for each data set")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=1, help="times each way is run")
    parser.add_argument("--json", type=Path, help="write all numbers here")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _all_ways(folder: Path, repeat: int) -> dict[str, dict[str, Any]]:
    """Each way's measurements, the median of its times; the order turns round each time."""
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for turn in range(repeat):
        for way in list(WAYS)[:: -1 if turn % 2 else 1]:
            command = [sys.executable, "-m", "benchmarks.decontamination", "--way", way]
            done = subprocess.run(
                [*command, "--folder", str(folder)], check=True, stdout=subprocess.PIPE, text=True
            )
            found[way].append(json.loads(done.stdout.splitlines()[-1]))
    return {way: _median(runs) for way, runs in found.items()}


def _median(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = ("seconds", "cpu_seconds", "index_seconds", "peak_mib")
    middle = {name: statistics.median(run[name] for run in runs) for name in names}
    rate = runs[0]["rows"] / middle["seconds"]
    return {
        **runs[0],
        **middle,
        "rows_per_second": rate,
        "all_seconds": [r["seconds"] for r in runs],
    }


def _measured(way: str, folder: Path) -> dict[str, Any]:
    """One way in this process: seconds of the index and of the rows, and the peak of memory."""
    before = _peak()
    facts = WAYS[way](folder)
    found = facts.pop("found")
    np.save(folder / f"{way}.npy", np.array(found))
    rows = pq.ParquetFile(folder / ROWS).metadata.num_rows
    return {**facts, "rows": rows, "found": len(found), "peak_mib": _peak(), "imports_mib": before}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _plain(folder: Path) -> dict[str, Any]:
    started = _now()
    files = sorted((folder / BENCHMARKS).glob("*.parquet"))
    benchmarks = {file.stem: pq.read_table(file).to_pylist() for file in files}
    rules = shipped_rules()
    plain = PlainNgrams(benchmarks, rules.ngram, rules.min_words, rules.boilerplate_items)
    ready = _now()
    rows = (row for batch in _batches(folder) for row in batch.to_pylist())
    found = [number for number, row in enumerate(rows) if plain.contaminated(row)]
    return _timed(started, ready, found)


def _ours(folder: Path, threads: int) -> dict[str, Any]:
    started = _now()
    files = sorted((folder / BENCHMARKS).glob("*.parquet"))
    inputs = [StageRows(file.stem, file) for file in files]
    benchmarks = index(((rows.stage, rows.batches()) for rows in inputs), shipped_rules())
    ready = _now()
    matches = ahead(threads, lambda batch: contaminated(batch, benchmarks), _batches(folder))
    found = [number * BATCH + match.row for number, batch in enumerate(matches) for match in batch]
    return _timed(started, ready, found)


def _stage(folder: Path) -> dict[str, Any]:
    """The stage as `r1 run` calls it, with the numbers that ship."""
    from pipeline.artifact import Artifact
    from pipeline.context import Context
    from stages.kinds.clean.kind import CleanConfig
    from stages.kinds.clean.run import run

    work = Path(tempfile.mkdtemp(dir=folder))
    for name in ("given", "work", "output"):
        (work / name).mkdir()
    (work / "given" / ROWS).symlink_to(folder / ROWS)
    against = []
    for file in sorted((folder / BENCHMARKS).glob("*.parquet")):
        (work / file.stem).mkdir()
        (work / file.stem / ROWS).symlink_to(file)
        against.append(Artifact(work / file.stem, {"stage": file.stem, "type": "problems"}))
    given = Artifact(work / "given", {"stage": "given", "type": "conversations"})
    config = CleanConfig("clean_conversations", seed=0, **shipped())
    context = Context(
        "clean", "", work / "work", work / "output", 0, os.cpu_count() or 1, shared=work
    )
    started = _now()
    inputs = {"data_from": (given,), "apart_from": tuple(against)}
    outputs = run(config, inputs, context)
    found = [0] * (outputs.funnel["read"] - outputs.funnel["kept"])
    return _timed(started, started, found) | {"funnel": dict(outputs.funnel)}


def _now() -> tuple[float, float]:
    """Seconds on the wall, and of the processor in all threads of this process."""
    return time.perf_counter(), time.process_time()


def _timed(
    started: tuple[float, float], ready: tuple[float, float], found: Sequence[int]
) -> dict[str, Any]:
    wall, cpu = _now()
    return {
        "index_seconds": ready[0] - started[0],
        "seconds": wall - ready[0],
        "cpu_seconds": cpu - ready[1],
        "found": found,
    }


def _batches(folder: Path) -> Iterator[Any]:
    yield from StageRows("rows", folder / ROWS).batches(READ)


WAYS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "plain": _plain,
    "ours, 1 thread": lambda folder: _ours(folder, 1),
    "ours, all CPUs": lambda folder: _ours(folder, os.cpu_count() or 1),
    "the stage": _stage,
}


def _same_rows(folder: Path, planted: Sequence[int], results: dict[str, dict[str, Any]]) -> None:
    """Plain and ours agree on every row; how many of the planted ones each has."""
    ways = [way for way in WAYS if way != "the stage"]
    found = {way: set(np.load(folder / f"{way}.npy").tolist()) for way in ways}
    for way in ways:
        results[way]["planted_found"] = len(found[way].intersection(planted))
        if other := found[way] ^ found["plain"]:
            raise SystemExit(f"{way} and plain differ in {len(other)} rows: {sorted(other)[:5]}")


def _table(results: dict[str, dict[str, Any]]) -> Table:
    columns = ("index s", "rows s", "rows/s", "× plain", "CPU s", "× plain", "peak MiB")
    table = Table("way", *columns, "dropped", "planted")
    plain = results["plain"]
    for way, one in results.items():
        table.add_row(
            way,
            f"{one['index_seconds']:.1f}",
            f"{one['seconds']:.1f}",
            f"{one['rows_per_second']:,.0f}",
            f"{plain['seconds'] / one['seconds']:.1f}",
            f"{one['cpu_seconds']:.1f}",
            f"{plain['cpu_seconds'] / one['cpu_seconds']:.1f}",
            f"{one['peak_mib']:.0f}",
            str(one["found"]),
            str(one.get("planted_found", "–")),
        )
    return table


SECTIONS = {"truth": _truth, "speed": _speed}

if __name__ == "__main__":
    main()
