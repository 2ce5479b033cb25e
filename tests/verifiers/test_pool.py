"""The pool: order, limits, replaced workers, and the references of real data sets."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.errors import RecipeError
from stages.chat.template import tagged
from stages.verifiers.pool import WINDOW, VerifierPool
from stages.verifiers.selfcheck import check_references, require_references
from stages.verifiers.verdict import Request

DATA = Path(__file__).resolve().parents[1] / "data"


def maths(answer: str, reference: str = "x+1") -> Request:
    return Request("math", tagged("t", answer), reference)


def row(number: int, verifier: str, reference: str, **metadata: Any) -> dict[str, Any]:
    return {
        "id": f"row-{number}",
        "verifier": verifier,
        "reference": reference,
        "metadata": json.dumps(metadata),
    }


def hard(number: int, right: bool = True) -> Request:
    """A question that only a worker can answer."""
    answer = rf"\frac{{\sin {number}x}}{{\cos {number if right else number + 1}x}}"
    return maths(answer, rf"\tan {number}x")


def worker(pool: VerifierPool) -> subprocess.Popen[bytes]:
    return pool._workers._running[0]._process


def test_a_worker_killed_from_outside_is_replaced(pool: VerifierPool) -> None:
    pool.verify([hard(5)])
    worker(pool).kill()
    worker(pool).wait()
    assert pool.verify([hard(6)])[0].score == 1.0


def test_a_worker_that_is_killed_at_work_costs_no_answer() -> None:
    with VerifierPool(workers=1, timeout=20.0) as pool:
        pool.verify([hard(1)])
        worker(pool).send_signal(signal.SIGSTOP)
        timer = threading.Timer(0.5, worker(pool).kill)
        timer.start()
        rows = [maths("1+x"), hard(2), maths("x+2"), hard(3), hard(4, right=False)]
        verdicts = pool.verify(rows)
        timer.join()
    assert [verdict.score for verdict in verdicts] == [1.0, 1.0, 0.0, 1.0, 0.0]
    assert not {"crashed its verifier", "timed out"} & set(pool.tally.reasons)


def test_any_thread_may_ask(pool: VerifierPool) -> None:
    found: dict[int, list[float | None]] = {}

    def ask(number: int) -> None:
        requests = [maths(f"x+{n}", f"{number}+x") for n in range(4)]
        found[number] = [verdict.score for verdict in pool.verify(requests)]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: [float(n == i) for n in range(4)] for i in range(4)}


def test_bad_requests_get_a_verdict_and_a_reason(pool: VerifierPool) -> None:
    broken: list[Any] = [
        Request("rhyme", "5", "5"),
        Request(["math"], "5", "5"),  # type: ignore[arg-type]
        Request("math", None, "5"),  # type: ignore[arg-type]
        Request("math", "\\boxed{5}", None),  # type: ignore[arg-type]
        Request("choice", "\\boxed{A}", "A", ["x"]),  # type: ignore[arg-type]
    ]
    verdicts = pool.verify(broken)
    assert [v.score for v in verdicts] == [None] * 5
    assert verdicts[0].reason.startswith("unknown verifier 'rhyme'; there are choice, code,")


@pytest.mark.parametrize(
    "text",
    [
        "\x00\udcff\ud800",
        "(" * 100_000,
        "\\frac" * 50_000,
        "9" * 1_000_000,
        "{" * 100_000,
        "猫" * 9,
    ],
)
def test_any_text_gets_a_verdict(pool: VerifierPool, text: str) -> None:
    requests = [
        Request("math", f"<answer>{text}</answer>", "x+1"),
        Request("math", f"<answer>{text}</answer>", "5"),
        Request("choice", f"<answer>{text}</answer>", "A"),
        Request("text", f"<answer>{text}</answer>", "a"),
        Request("logic", f"<answer>{text}</answer>", "A: knight", {"names": ["A"]}),
        Request("code", f"<answer>{text}</answer>", "f=abs", {"tests": ["f(-1)==1"], "entry": "f"}),
    ]
    assert [verdict.score for verdict in pool.verify(requests)] == [0.0] * 6


def test_the_same_program_is_run_once(pool: VerifierPool) -> None:
    slow = "import time\ntime.sleep(0.3)\ndef f(x): return x"
    metadata = {"tests": ["f(1) == 1"], "entry": "f"}
    same = [Request("code", tagged(f"thought {n}", slow), slow, metadata) for n in range(20)]
    start = time.monotonic()
    assert {verdict.score for verdict in pool.verify(same)} == {1.0}
    assert time.monotonic() - start < 2.0


def test_references_of_real_rows_prove_themselves(pool: VerifierPool) -> None:
    gsm8k = (DATA / "gsm8k/test.jsonl").read_text().splitlines()
    math500 = (DATA / "math500/test.jsonl").read_text().splitlines()
    mgsm = (DATA / "mgsm_zh/mgsm_zh.tsv").read_text().splitlines()
    knights = pq.read_table(DATA / "knights_knaves/3ppl_test.parquet").to_pylist()
    rows = [row(n, "math", json.loads(r)["answer"].split("####")[1]) for n, r in enumerate(gsm8k)]
    rows += [row(n, "math", json.loads(line)["answer"]) for n, line in enumerate(math500)]
    rows += [row(n, "math", line.split("\t")[1]) for n, line in enumerate(mgsm)]
    rows += [
        row(n, "logic", r[column], names=r["names"])
        for n, r in enumerate(knights)
        for column in ("solution_text_format", "solution_text")
    ]
    assert len(rows) == 25
    assert check_references(rows, pool) == []


def test_references_that_fail_stop_the_stage_with_the_rows_listed(pool: VerifierPool) -> None:
    rows = [
        row(0, "math", "5"),
        row(1, "math", "???"),
        row(2, "code", "def f(x): return x", tests=["f(1) == 2"], entry="f"),
    ]
    failures = check_references(rows, pool)
    assert [(f.id, f.score) for f in failures] == [("row-1", None), ("row-2", 0.0)]
    with pytest.raises(RecipeError, match=r"stages\.zero: 2 of 3.*\n.*row-1.*\n.*row-2.*failed"):
        require_references(rows, pool, "stages.zero")
    require_references(rows[:1], pool, "stages.zero")


def test_a_stream_draws_only_a_window_of_rows_ahead(pool: VerifierPool) -> None:
    drawn = 0

    def endless() -> Iterator[Request]:
        nonlocal drawn
        while True:
            drawn += 1
            yield hard(7) if drawn == 1 else maths(str(drawn), "5")

    verdicts: Any = pool.stream(endless())
    assert [next(verdicts).verdict.score for _ in range(5)] == [1.0, 0.0, 0.0, 0.0, 1.0]
    assert drawn <= WINDOW + 6
    verdicts.close()
    assert pool.verify([maths("x+8")])[0].score == 0.0  # the pool is free again


def test_the_pool_counts_why_answers_are_wrong_or_not_judged(tmp_path: Path) -> None:
    with VerifierPool(workers=1) as pool:
        pool.verify([maths("5", "5"), maths("6", "5"), maths("7", ""), Request("math", "?", "5")])
        pool.tally.write(tmp_path)
    summary = json.loads((tmp_path / "verdicts.json").read_text())
    assert summary["rows"] == 4
    assert summary["rows_per_second"] > 0
    assert summary["verdicts"] == {
        "math": {
            "right": {"right": 1},
            "wrong": {"wrong": 1, "no final answer": 1},
            "cannot judge": {"unreadable reference: empty": 1},
        }
    }


def test_a_pool_says_what_programs_run_in_when_it_starts_to_run_them(
    capfd: pytest.CaptureFixture[str],
) -> None:
    program = "def f(x): return x"
    metadata = {"tests": ["f(1) == 1"], "entry": "f"}
    with VerifierPool(workers=1) as pool:
        pool.verify([maths("5", "5")])
        assert "programs run in" not in capfd.readouterr().err
        pool.verify([Request("code", tagged("t", program), program, metadata)] * 2)
        assert capfd.readouterr().err.count("programs run in") == 1
        assert "no network" in pool.tally.summary()["programs_run_in"]
