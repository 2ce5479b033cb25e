"""Which stages a run had to wait for, worked by hand."""

from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from stages.report import critical_path


def _made(**inputs: list[str]) -> dict[str, Artifact]:
    def artifact(name: str, given: list[str]) -> Artifact:
        edges = [{"edge": "data_from", "stage": s, "fingerprint": f"of {s}"} for s in given]
        return Artifact(Path(name), {"fingerprint": f"of {name}", "inputs": edges})

    return {name: artifact(name, given) for name, given in inputs.items()}


def _run(seconds: float | None, **ran: float | None) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "stages": {name: {"ran_seconds": value} for name, value in ran.items()},
    }


MADE = _made(base=[], zero=["base"], rows=["zero"], dev=["base", "rows"], control=["zero"])


def test_the_longest_chain_is_named_and_places_that_stood_idle_are_counted() -> None:
    run = _run(100, base=None, zero=50, rows=0.2, dev=40, control=60)
    assert critical_path.facts(run, MADE, 2) == {
        "Critical path": "1 min 50 s: zero 50.0 s → control 1 min 00 s",
        "Idle": "25 % of 2 stages at once",
    }


def test_stages_that_were_there_before_join_a_chain_and_take_no_time() -> None:
    found = critical_path.facts(_run(50, base=10, zero=None, rows=None, dev=30), MADE, 1)
    assert found["Critical path"] == "40.0 s: base 10.0 s → dev 30.0 s"


def test_a_run_that_launched_nothing_or_goes_on_says_nothing_of_it() -> None:
    assert critical_path.facts(_run(5, base=None), MADE, 2) == {}
    assert critical_path.facts(_run(None, base=10), MADE, 2) == {}
    assert critical_path.facts({}, MADE, 2) == {}
