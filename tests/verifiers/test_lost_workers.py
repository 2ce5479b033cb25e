"""What happens to a worker from outside is no fault of the answer; what an answer does to it is.

The verifier `trap` (tests/verifiers/trap) stands for the system: it kills, stops or starves its own
worker, as often as a row says.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import RecipeError
from stages.verifiers import VERIFIERS
from stages.verifiers.code_run import Budget
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request, Verdict

TRAP = Path(__file__).parent / "trap"
ROOT = Path(__file__).resolve().parents[2]
ONCE, ALWAYS = 1, 99


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which it is counted how often each row was asked."""
    monkeypatch.syspath_prepend(TRAP)
    monkeypatch.setenv("PYTHONPATH", str(TRAP), prepend=os.pathsep)
    monkeypatch.setitem(VERIFIERS, "trap", "trap")
    return tmp_path


def row(trap: Path, what: str, times: int) -> Request:
    metadata = {"what": what, "times": times, "asked": str(trap / f"{what}-{times}")}
    return Request("trap", "<answer>5</answer>", "5", metadata)


def asked(trap: Path, what: str, times: int) -> int:
    return len((trap / f"{what}-{times}").read_text())


def judged(trap: Path, what: str, times: int, timeout: float = 0.2) -> Verdict:
    with VerifierPool(workers=1, timeout=timeout) as pool:
        return pool.verify([row(trap, what, times)])[0]


@pytest.mark.parametrize("what", ["kill", "stop", "memory"])
def test_a_right_answer_whose_worker_is_lost_once_is_right(trap: Path, what: str) -> None:
    assert judged(trap, what, ONCE).score == 1.0
    assert asked(trap, what, ONCE) == 2


def test_a_loaded_machine_makes_no_right_answer_wrong(trap: Path) -> None:
    assert judged(trap, "sleep", ONCE).score == 1.0, "a second of wall clock, and no CPU"
    assert asked(trap, "sleep", ONCE) == 1


@pytest.mark.parametrize("what", ["kill", "segfault", "memory"])
def test_an_answer_that_ends_every_worker_is_wrong_and_asked_anew_each_time(
    trap: Path, what: str
) -> None:
    with VerifierPool(workers=1) as pool:
        for times in (2, 4):
            assert pool.verify([row(trap, what, ALWAYS)]) == [Verdict(0.0, "crashed its verifier")]
            assert asked(trap, what, ALWAYS) == times
        assert pool.verify([row(trap, "none", ONCE)])[0].score == 1.0, "the next row"


def test_an_answer_whose_workers_are_all_stopped_has_no_verdict(trap: Path) -> None:
    verdict = judged(trap, "stop", ALWAYS, timeout=0.05)
    assert verdict.score is None
    assert verdict.reason.startswith("its verifier stood still")
    assert asked(trap, "stop", ALWAYS) == 2


def test_an_answer_that_takes_all_its_cpu_time_is_wrong_at_once(trap: Path) -> None:
    assert judged(trap, "loop", ALWAYS) == Verdict(0.0, "timed out")
    assert asked(trap, "loop", ALWAYS) == 1


def test_a_worker_that_is_killed_while_it_starts_is_started_again(
    trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAP_STARTS", str(trap / "starts"))
    monkeypatch.setenv("TRAP_TIMES", "2")
    assert judged(trap, "none", ONCE).score == 1.0
    assert (trap / "starts").read_text() == "xx"


def test_workers_that_never_start_stop_the_stage_with_what_ended_them(
    trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAP_STARTS", str(trap / "starts"))
    monkeypatch.setenv("TRAP_TIMES", "99")
    with pytest.raises(RecipeError, match=r"did not start.*\n.*nothing, and ended with status -9"):
        judged(trap, "none", ONCE)
    assert (trap / "starts").read_text() == "xxx"


def test_runs_that_only_wait_share_the_time_of_one_answer() -> None:
    budget = Budget(seconds=1.0, left=1.0, memory_mb=256)
    budget.begin()
    first = budget.limits().wall
    time.sleep(0.1)
    second = budget.limits().wall
    assert first is not None
    assert second is not None
    assert second < first


ASKING = r"""
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request
with VerifierPool(workers=1) as pool:
    tests = {"tests": ["f() == 7"], "entry": "f"}
    print(pool.verify([Request("code", "<answer>def f(): return 7</answer>", "", tests)])[0].score)
"""


def under(megabytes: int) -> subprocess.CompletedProcess[str]:
    limited = f'ulimit -v {megabytes << 10}; exec "$0" -c "$1"'
    return subprocess.run(
        ["bash", "-c", limited, sys.executable, ASKING], cwd=ROOT, capture_output=True, text=True
    )


def test_workers_do_with_the_memory_that_the_machine_allows() -> None:
    assert under(1500).stdout == "1.0\n"


def test_too_little_memory_for_a_worker_is_said_with_what_to_do() -> None:
    assert "(ulimit -v) is 700 MiB here, and a verifier worker with the pro" in under(700).stderr
