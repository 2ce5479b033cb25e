"""A worker of the pool: `python -m stages.verifiers.worker FD SECONDS MEGABYTES`.

Reads one case a line from the socket FD and answers each with one line; a long row, which several
cases share, comes once, on a line of its own. It is what may hang or
blow up on an adversarial answer; the pool then kills it and starts another. No signal handlers,
no pickle, no torch. A timer of CPU time ends it where an answer takes more than its seconds. Should
the pool itself be killed, the worker ends at the end of its socket, or by that timer.

A worker whose memory is full ends, too: earlier answers may have filled it, and a fresh one is
asked. Where the machine itself runs out of memory, the kernel is asked to take workers before the
stage, and jails before workers.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import sys
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from pipeline.errors import RecipeError
from stages import verifiers
from stages.verifiers import sandbox
from stages.verifiers.exchange import patience
from stages.verifiers.grade import Case, grade
from stages.verifiers.kept_rows import MARK, KeptRows
from stages.verifiers.worker_process import STARTED, STARTING

EXPENDABLE = 500  # how much sooner than others it is ended where memory runs out; from 0 to 1000
MEMORY_FULL = 3  # exit status


def main() -> None:
    """Serve until the pool closes its end."""
    for stopping in (signal.SIGINT, signal.SIGTERM):  # are for the stage, which closes the pool
        signal.signal(stopping, signal.SIG_IGN)
    fd, seconds, megabytes = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    with contextlib.suppress(OSError):  # no Linux
        Path("/proc/self/oom_score_adj").write_text(str(EXPENDABLE))
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    sandbox.set_limit(seconds)
    with socket.socket(fileno=fd) as channel, channel.makefile("rwb") as stream:
        stream.write(b"ready\n")
        stream.flush()
        for line in stream:
            if line.startswith(MARK):
                keep(line)
                continue
            stream.write(json.dumps(answer(line, stream)).encode() + b"\n")
            stream.flush()


def answer(line: bytes, stream: BufferedIOBase) -> dict[str, Any]:
    """The verdict on one case, or the error that no case could get past."""
    _allow_cpu(0)
    case = _case(json.loads(line))
    try:
        _allow_cpu(_prepare(case, stream, sandbox.limit()))
        verdict = grade(case)
    except RecipeError as problem:
        return {"error": str(problem)}
    except MemoryError:
        os._exit(MEMORY_FULL)
    return {"score": verdict.score, "reason": verdict.reason}


_rows = KeptRows[dict[str, Any]]()


def keep(line: bytes) -> None:
    """A row that questions will speak of."""
    _, name, row = line.split(b" ", 2)
    _rows.add(name.decode(), len(line), json.loads(row))


def _case(asked: dict[str, Any]) -> Case:
    row = asked.pop("row", None)
    return Case(**asked, **(_rows.use(row) if row else {}))


_prepared: set[str] = set()


def _prepare(case: Case, stream: BufferedIOBase, usual: float) -> float:
    """Load and start what a case needs; the pool's clock waits. Returns its seconds of CPU here."""
    module = verifiers.load(case.verifier)
    if not hasattr(module, "prepare"):
        return usual
    needed = f"{case.verifier} {case.metadata.get('packages')}"
    if needed not in _prepared:
        stream.write(STARTING + b"\n")
        stream.flush()
        _prepared.add(needed)
    wall: float | None = module.prepare(case.metadata)
    stream.write(STARTED + f"{wall or patience(usual)} {sandbox.isolation()}\n".encode())
    stream.flush()
    return wall or usual


def _allow_cpu(seconds: float) -> None:
    """End this process after so many seconds of CPU from now; 0: never."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


if __name__ == "__main__":
    main()
