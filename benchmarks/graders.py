"""Who is measured: our verifier, through its pool and in one process, and math-verify.

math-verify needs the main thread of a process for its timeouts, and some answers hang it in loops
that no signal stops. So it runs in a child's main thread, one row after the other, and a child that
is silent for `PATIENCE` seconds is killed and replaced; that row counts as not judged. Its rate is
rows over the seconds that it measures around its own calls: what the pipe costs is not counted.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Protocol

from benchmarks.answer_sets import Answered
from stages.verifiers.answer import DEFAULT
from stages.verifiers.grade import grade, settle
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import Request, Verdict

WORKERS = 2
LIMIT = 5.0  # seconds for one answer, as conf/verifiers/strict.yaml has it
PATIENCE = 20.0  # math-verify may take 5 s for each of its three calls, and loads for some
MEMORY = 4 << 30


@dataclass(frozen=True)
class Graded:
    """What a grader said of one row: accepted, refused, or None; and its seconds."""

    accepted: bool | None
    seconds: float
    reason: str = ""


@dataclass(frozen=True)
class Result:
    """All rows of a set by one grader; `seconds` is the wall clock of the whole."""

    grades: list[Graded]
    seconds: float


# Enough for every worker to have loaded sympy and parsed something.
WARM_UP = [
    Answered(
        f"warm-up {n}", "", f"\\frac{{\\sqrt{{{n}}}}}{{2}}+x", f"\\boxed{{x+\\sqrt{{{n}}}/2}}", True
    )
    for n in range(101, 125)
]


class Grader(Protocol):
    """Something that grades rows; `name` heads its column."""

    name: str

    def run(self, rows: Sequence[Answered]) -> Result: ...
    def close(self) -> None: ...


class Ours:
    """`VerifierPool` with two workers: what RL uses. Every row of a set is asked once."""

    name = f"ours, pool of {WORKERS}"

    def __init__(self) -> None:
        self.pool = VerifierPool(WORKERS, LIMIT)
        self.run(WARM_UP)

    def run(self, rows: Sequence[Answered]) -> Result:
        started = time.perf_counter()
        judged = list(self.pool.stream(_request(row) for row in rows))
        seconds = time.perf_counter() - started
        return Result([_graded(j.verdict, j.seconds) for j in judged], seconds)

    def close(self) -> None:
        self.pool.close()


class OursSequential:
    """The same functions in this process, one row after the other; no limits."""

    name = "ours, sequential"

    def __init__(self) -> None:
        self.run(WARM_UP)

    def run(self, rows: Sequence[Answered]) -> Result:
        grades = []
        for row in rows:
            started = time.perf_counter()
            found = settle(_request(row), DEFAULT)
            verdict = found if isinstance(found, Verdict) else grade(found)
            grades.append(_graded(verdict, time.perf_counter() - started))
        return Result(grades, sum(grade.seconds for grade in grades))

    def close(self) -> None:
        pass


class MathVerify:
    """math-verify in the main thread of a child process; `kind` names its extraction."""

    def __init__(self, kind: str, patience: float = PATIENCE) -> None:
        self.name = f"math-verify, {kind}"
        self._kind = kind
        self._patience = patience
        self._start_warm()

    def run(self, rows: Sequence[Answered]) -> Result:
        grades = [self._ask(row, self._patience) for row in rows]
        return Result(grades, sum(grade.seconds for grade in grades))

    def close(self) -> None:
        self._child.kill()
        self._child.join()

    def _start_warm(self) -> None:
        """A child that has loaded sympy."""
        self._start()
        for row in WARM_UP:
            self._ask(row, PATIENCE)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=_serve, args=(theirs, self._kind), daemon=True)
        self._child.start()
        theirs.close()

    def _ask(self, row: Answered, patience: float) -> Graded:
        started = time.perf_counter()
        try:
            self._pipe.send((row.reference, row.completion))
            if self._pipe.poll(patience):
                return Graded(*self._pipe.recv())
            reason = "hung: killed"
        except (EOFError, OSError):
            reason = "its process died"
        seconds = time.perf_counter() - started
        self.close()
        self._start_warm()
        return Graded(None, seconds, reason)


def _request(row: Answered) -> Request:
    return Request("math", row.completion, row.reference)


def _graded(verdict: Verdict, seconds: float) -> Graded:
    accepted = None if verdict.score is None else verdict.score == 1.0
    return Graded(accepted, seconds, verdict.reason)


def _serve(pipe: Connection, kind: str) -> None:
    """The child: (reference, completion) in; (accepted or None, seconds, reason) out."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    judge = _judge(kind)
    while True:
        try:
            reference, completion = pipe.recv()
        except EOFError:
            return
        started = time.perf_counter()
        try:
            accepted, reason = judge(reference, completion)
        except BaseException as problem:  # its timeout is one
            accepted, reason = None, repr(problem)[:100]
        pipe.send((accepted, time.perf_counter() - started, reason))


def _judge(kind: str) -> Callable[[str, str], tuple[bool | None, str]]:
    import logging

    from math_verify import LatexExtractionConfig, parse, verify

    logging.disable(logging.CRITICAL)
    only = {
        "extraction_config": [
            LatexExtractionConfig(boxed_match_priority=0, try_extract_without_anchor=False)
        ],
        "extraction_mode": "first_match",
    }
    options = only if kind == "boxed only" else {}

    def judge(reference: str, completion: str) -> tuple[bool | None, str]:
        gold = parse(f"${reference}$")
        if not gold:
            return None, "reference not read"
        return bool(verify(gold, parse(completion, **options))), ""

    return judge
