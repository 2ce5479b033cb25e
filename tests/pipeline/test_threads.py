"""A thread that the system does not start is an error, never a wait without end."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

STARTING = """
import resource, sys
from pipeline.errors import RecipeError
from pipeline.threads import Executor
pages, page = map(int, open("/proc/self/statm").read().split()[:1] + [resource.getpagesize()])
limit = pages * page + (int(sys.argv[1]) << 10)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    with Executor(1) as pool:
        print(pool.submit(lambda: "started").result())
except RecipeError as problem:
    print(problem)
"""


def started(spare_kilobytes: int) -> str:
    """What came of starting a thread with so much memory left."""
    done = subprocess.run(
        [sys.executable, "-c", STARTING, str(spare_kilobytes)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not done.stderr
    return done.stdout


def test_a_thread_for_which_memory_is_lacking_is_refused_and_not_waited_for() -> None:
    stack = resource.getrlimit(resource.RLIMIT_STACK)[0]
    stack = (8 << 20 if stack == resource.RLIM_INFINITY else stack) >> 10
    # for these the stack alone has room: Thread.start never comes back
    said = {started(stack + more) for more in (4, 12, 20, 28)}
    assert {text[:50] for text in said} == {"the system starts no thread for this process: its "}
    assert started(stack + 4096) == "started\n"
