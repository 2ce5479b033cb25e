"""A verifier to which happens what a row says, the first `times` times that a worker judges it.

"kill", "stop": the worker gets this signal, as from the system. "sleep": it stands still for a
second. "loop": it computes for ever. "memory": there is none left. Then every answer is right.
"""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.verifiers.verdict import ANSWER, RIGHT, Verdict

READS = ANSWER


def read(reference: str, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    return metadata


def quick(text: str, reference: str, metadata: Mapping[str, Any]) -> Verdict | None:
    return None


def prepare(metadata: Mapping[str, Any]) -> None:
    """Like that of programs, which starts a jail."""


def judge(text: str, metadata: Mapping[str, Any]) -> Verdict:
    with Path(metadata["asked"]).open("a") as file:
        file.write("x")
        asked = file.tell()
    if asked <= metadata["times"]:
        _happen(metadata["what"])
    return RIGHT


def _happen(what: str) -> None:
    match what:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "sleep":
            time.sleep(1)
        case "memory":
            raise MemoryError
        case "loop":
            while True:
                pass
