"""`r1 run --multirun`: what its runs came to, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import state
from pipeline.compose import Composed
from pipeline.hooks import Results
from pipeline.project import Project
from pipeline.run_folder import REPORT_FACTS, RunFolder
from pipeline.situation import paths_of

STOPPED_BY_SIGNAL = 128


@dataclass(frozen=True)
class SweptRun:
    """One run of a sweep, and the exit code that it came to."""

    composed: Composed
    code: int


def rows(project: Project, runs: Sequence[SweptRun]) -> list[dict[str, Any]]:
    """One row per run, from its latest folder; what a run without a report lacks is empty."""
    shared = set.intersection(*(set(run.composed.overrides) for run in runs)) if runs[1:] else set()
    return [_row(project, run, shared) for run in runs]


def lines(found: Sequence[Mapping[str, Any]], said: Results) -> Iterator[str]:
    """The table. Below it the folders, which are long."""
    results = said.compared(found)
    table = [["run", "state", *results.heads]]
    table += [
        [_name(row), row["state"], *cells] for row, cells in zip(found, results.cells, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        words, numbers = line[:2], line[2:]
        cells = [f"{cell:<{width}}" for cell, width in zip(words, widths, strict=False)]
        cells += [f"{cell:>{width}}" for cell, width in zip(numbers, widths[2:], strict=True)]
        yield "  ".join(cells).rstrip()
    yield from results.legend
    for row in found:
        yield f"{_name(row)}: {row['folder'] or 'no folder, as it never began'}"


def _row(project: Project, run: SweptRun, shared: set[str]) -> dict[str, Any]:
    config = run.composed.root
    folder = RunFolder.latest(paths_of(config, project.conf_dir().parent).runs, config)
    report = state.read(folder.report / REPORT_FACTS, dict[str, Any]) if folder else None
    return {
        "differs": [o for o in run.composed.overrides if o not in shared],
        "state": _state(run.code),
        "exit_code": run.code,
        **project.said().of_run(report or {}, config),
        "folder": str(folder.path) if folder else None,
    }


def _state(code: int) -> str:
    if code > STOPPED_BY_SIGNAL:
        return "stopped"
    return "done" if code == 0 else "failed"


def _name(row: Mapping[str, Any]) -> str:
    return " ".join(row["differs"]) or "as it stands"
