"""The table at the end of a sweep."""

from __future__ import annotations

from pipeline.sweep import lines
from stages.report.results import RESULTS


def row(seed: int, **more: object) -> dict[str, object]:
    empty = {"state": "done", "claims": {}, "accuracies": {}, "folder": f"outputs/runs/{seed}"}
    return {"differs": [f"seed={seed}"], **empty, **more}


def test_claims_and_accuracies_of_the_runs_stand_below_each_other() -> None:
    claims = {"reproduced": 8, "undecided": 2}
    found = [
        row(0, claims=claims, accuracies={"base": 0.316, "r1": 0.695}),
        row(1, state="failed", accuracies={"base": 0.3}, folder=None),
    ]
    table = list(lines(found, RESULTS))
    assert [line.split() for line in table[:3]] == [
        ["run", "state", "✔", "✘", "?", "base", "r1"],
        ["seed=0", "done", "8", "0", "2", "31.6", "69.5"],
        ["seed=1", "failed", "-", "-", "-", "30.0", "-"],
    ]
    assert table[-2:] == ["seed=0: outputs/runs/0", "seed=1: no folder, as it never began"]
    assert len({len(line.rstrip("-").rstrip()) for line in table[:2]}) == 1, "columns line up"


def test_runs_that_differ_by_the_seed_alone_have_a_mean_below_the_table() -> None:
    """Of base 30 and 34, of r1 one value, of another size nothing to compare with."""
    found = [
        row(0, accuracies={"base": 0.30, "r1": 0.7}),
        row(1, accuracies={"base": 0.34}),
        row(0, accuracies={"base": 0.9}, differs=["seed=0", "profile=small"]),
    ]
    said = [line for line in lines(found, RESULTS) if "over seeds" in line.lower()]
    assert said == ["Over seeds, mean ± standard deviation (runs): base 32.0 ± 2.8 (2)."]


def test_runs_without_a_report_are_told_by_their_state_alone() -> None:
    assert list(lines([row(0), row(1)], RESULTS))[:2] == ["run     state", "seed=0  done"]
