"""A worker of the pool: `python -m stages.verifiers.worker FD SECONDS MEGABYTES`.

Reads one case a line from the socket FD and answers each with one line. It is what may hang or
blow up on an adversarial answer; the pool then kills it and starts another. No signals, no
pickle, no torch. Should the pool itself be killed, the worker ends at the end of its socket, or at
its CPU limit when it is lost in a loop.
"""

from __future__ import annotations

import json
import math
import resource
import socket
import sys
from io import BufferedIOBase
from typing import Any

from pipeline.errors import RecipeError
from stages import verifiers
from stages.verifiers import sandbox
from stages.verifiers.grade import Case, grade
from stages.verifiers.seat import STARTED, STARTING


def main() -> None:
    """Serve until the pool closes its end."""
    fd, seconds, megabytes = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    limit = megabytes << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    sandbox.set_limit(seconds)
    with socket.socket(fileno=fd) as channel, channel.makefile("rwb") as stream:
        stream.write(b"ready\n")
        stream.flush()
        for line in stream:
            _allow_cpu(seconds)
            stream.write(json.dumps(answer(line, stream)).encode() + b"\n")
            stream.flush()


def answer(line: bytes, stream: BufferedIOBase) -> dict[str, Any]:
    """The verdict on one case, or the error that no case could get past."""
    case = Case(**json.loads(line))
    try:
        _prepare(case, stream, sandbox.limit())
        verdict = grade(case)
    except RecipeError as problem:
        return {"error": str(problem)}
    return {"score": verdict.score, "reason": verdict.reason}


_prepared: set[str] = set()


def _prepare(case: Case, stream: BufferedIOBase, usual: float) -> None:
    """Start what a case needs that is not there yet; the pool's clock waits."""
    module = verifiers.load(case.verifier)
    if not hasattr(module, "prepare"):
        return
    needed = f"{case.verifier} {case.metadata.get('packages')}"
    if needed not in _prepared:
        stream.write(STARTING + b"\n")
        stream.flush()
        _prepared.add(needed)
    seconds = module.prepare(case.metadata) or usual
    _allow_cpu(seconds)
    stream.write(STARTED + f"{seconds} {sandbox.isolation()}\n".encode())
    stream.flush()


def _allow_cpu(seconds: float) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + 2 * seconds) + 1, hard))


if __name__ == "__main__":
    main()
