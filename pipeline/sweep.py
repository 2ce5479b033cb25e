"""`r1 run --multirun`: what its runs came to, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import state
from pipeline.compose import Composed
from pipeline.project import Project
from pipeline.run_folder import REPORT_FACTS, RunFolder
from pipeline.situation import paths_of

STOPPED_BY_SIGNAL = 128
HEADLINE = "reasoning/pass_at_1"
VERDICTS = {"reproduced": "✔", "not reproduced": "✘", "undecided": "?"}


@dataclass(frozen=True)
class SweptRun:
    """One run of a sweep, and the exit code that it came to."""

    composed: Composed
    code: int


def rows(project: Project, runs: Sequence[SweptRun]) -> list[dict[str, Any]]:
    """One row per run, from its latest folder; what a run without a report lacks is empty.

    accuracies: of each stage that the report shows, as shares.
    """
    shared = set.intersection(*(set(run.composed.overrides) for run in runs)) if runs[1:] else set()
    return [_row(project, run, shared) for run in runs]


def lines(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table; accuracies in per cent. Below it the folders, which are long."""
    stages = list(dict.fromkeys(stage for row in found for stage in row["accuracies"]))
    judged = any(row["claims"] for row in found)
    heads = ["run", "state", *(VERDICTS.values() if judged else ()), *stages]
    table = [heads, *([*_words(row, judged), *_accuracies(row, stages)] for row in found)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        words, numbers = line[:2], line[2:]
        cells = [f"{cell:<{width}}" for cell, width in zip(words, widths, strict=False)]
        cells += [f"{cell:>{width}}" for cell, width in zip(numbers, widths[2:], strict=True)]
        yield "  ".join(cells).rstrip()
    if judged:
        yield "Claims: ✔ reproduced, ✘ not reproduced, ? undecided."
    if stages:
        yield "Then pass@1 on held-out reasoning problems, per cent."
    for row in found:
        yield f"{_name(row)}: {row['folder'] or 'no folder, as it never began'}"


def _row(project: Project, run: SweptRun, shared: set[str]) -> dict[str, Any]:
    config = run.composed.root
    folder = RunFolder.latest(paths_of(config, project.conf_dir().parent).runs, config)
    report = state.read(folder.report / REPORT_FACTS, dict[str, Any]) if folder else None
    shown = ((config.get("claims") or {}).get("shown") or {}).get("stages", [])
    measured = (report or {}).get("stages") or {}
    return {
        "differs": [o for o in run.composed.overrides if o not in shared],
        "state": _state(run.code),
        "exit_code": run.code,
        "claims": dict(Counter(c["verdict"] for c in (report or {}).get("claims") or ())),
        "accuracies": {
            stage: measured[stage][HEADLINE]["value"]
            for stage in shown
            if HEADLINE in measured.get(stage, {})
        },
        "folder": str(folder.path) if folder else None,
    }


def _state(code: int) -> str:
    if code > STOPPED_BY_SIGNAL:
        return "stopped"
    return "done" if code == 0 else "failed"


def _name(row: Mapping[str, Any]) -> str:
    return " ".join(row["differs"]) or "as it stands"


def _words(row: Mapping[str, Any], judged: bool) -> list[str]:
    counts = [str(row["claims"].get(verdict, 0)) for verdict in VERDICTS] if row["claims"] else []
    return [_name(row), row["state"], *((counts or ["-"] * len(VERDICTS)) if judged else [])]


def _accuracies(row: Mapping[str, Any], stages: Sequence[str]) -> list[str]:
    found = row["accuracies"]
    return [f"{100 * found[stage]:.1f}" if stage in found else "-" for stage in stages]
