"""What a command of the whole recipe takes, beside `snakemake -n` and `dvc status`.

    python -m benchmarks.commands [--rounds 5] [--json FILE]

Whole processes, in turn, in processor seconds (user and system, children included): the median of
the rounds. `first` is the first call after a change, when nothing was composed before. The others
look at a workflow of as many rules in a row as the recipe has stages, none of them done. The goals:
every command at most what `snakemake -n` takes, a first call at most 2.5 times that.

Snakemake and DVC come into an environment of their own, once (.venv-contestants).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from pipeline.compose import compose
from stages.project import R1

HERE = Path(__file__).resolve().parents[1]
CONTESTANTS = HERE / ".venv-contestants"
PINNED = ("snakemake==9.27.1", "dvc==3.67.1")
BESIDE = "snakemake -n"


@dataclass(frozen=True)
class Contestant:
    """A command and where it runs; `before` is called, untimed, before each round."""

    name: str
    command: Sequence[str]
    folder: Path
    before: Callable[[], None] = lambda: None


def main(given: Sequence[str] | None = None) -> None:
    """Time all in turn and print the table."""
    options = _options(given)
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {"R1_ROOT": f"{place}/outputs", "XDG_CACHE_HOME": f"{place}/cache"}
        contestants = [*_others(Path(place), len(compose(R1, []).stages)), *_ours(Path(place))]
        seconds: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
        for _ in range(options.rounds):
            for contestant in contestants:
                seconds[contestant.name].append(_seconds(contestant))
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    Console().print(_table(medians))
    if options.json:
        Path(options.json).write_text(json.dumps({"seconds": seconds}, indent=1))


def _ours(place: Path) -> list[Contestant]:
    def forget() -> None:
        shutil.rmtree(place / "cache", ignore_errors=True)

    r1 = [sys.executable, "-m", "stages"]
    first = Contestant("r1 plan, first", [*r1, "plan"], HERE, forget)
    verbs = [["plan"], ["status"], ["why", "r1"]]
    return [first, *(Contestant(f"r1 {' '.join(words)}", [*r1, *words], HERE) for words in verbs)]


def _others(place: Path, rules: int) -> list[Contestant]:
    if not CONTESTANTS.exists():
        subprocess.run(["uv", "venv", "-q", str(CONTESTANTS)], check=True)
        python = str(CONTESTANTS / "bin" / "python")
        subprocess.run(["uv", "pip", "install", "-q", "--python", python, *PINNED], check=True)
    snakemake, dvc = place / "snakemake", place / "dvc"
    for folder in (snakemake, dvc):
        folder.mkdir()
    (snakemake / "Snakefile").write_text(_snakefile(rules))
    (dvc / "dvc.yaml").write_text(yaml.safe_dump({"stages": _dvc_stages(rules)}))
    programs = CONTESTANTS / "bin"
    subprocess.run([programs / "dvc", "init", "-q", "--no-scm"], cwd=dvc, check=True)
    return [
        Contestant(BESIDE, [str(programs / "snakemake"), "-n", "-q"], snakemake),
        Contestant("dvc status", [str(programs / "dvc"), "status", "-q"], dvc),
    ]


def _snakefile(rules: int) -> str:
    lines = [f"rule all:\n    input: 'file{rules}'"]
    for number in range(1, rules + 1):
        before = f"'file{number - 1}'" if number > 1 else ""
        lines.append(
            f"rule stage{number}:\n    input: {before}\n    output: 'file{number}'\n"
            "    shell: 'touch {output}'"
        )
    return "\n".join(lines)


def _dvc_stages(rules: int) -> dict[str, dict[str, object]]:
    return {
        f"stage{number}": {
            "cmd": f"touch file{number}",
            "deps": [f"file{number - 1}"] if number > 1 else [],
            "outs": [f"file{number}"],
        }
        for number in range(1, rules + 1)
    }


def _seconds(contestant: Contestant) -> float:
    """Processor seconds of one call. `dvc status -q` ends with 1 where there is something to do."""
    contestant.before()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(contestant.command, cwd=contestant.folder, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _table(medians: dict[str, float]) -> Table:
    table = Table(title="Processor seconds of a whole command")
    table.add_column("command")
    table.add_column("seconds", justify="right")
    table.add_column(f"of {BESIDE}", justify="right")
    for name, taken in medians.items():
        table.add_row(name, f"{taken:.2f}", f"{taken / medians[BESIDE]:.2f}")
    return table


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.commands", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="calls of each (5)")
    parser.add_argument("--json", metavar="FILE", help="write the seconds of every call")
    return parser.parse_args(given)


if __name__ == "__main__":
    main()
