"""The process of one stage on the runner's machine, from its fork to how it ended.

The process is forked from a server that has the heavy modules imported and nothing started: no
thread pool, no CUDA. It leads its own process group, so that whatever it starts can be ended with
it, and it ends itself when the runner that asked for it is gone.
"""

from __future__ import annotations

import contextlib
import os
import sys
from multiprocessing.connection import Connection

from pipeline.launchers import files, process
from pipeline.launchers.attempt import guarded
from pipeline.launchers.job import Job


def main(job: Job, answer: Connection) -> None:
    """Run the job of a runner of this machine, say how it ended, and exit."""
    process.begin(job.log)
    outcome = guarded(job)
    with contextlib.suppress(OSError):  # the log may lie on a full disk
        sys.stdout.flush()
        sys.stderr.flush()
    try:
        files.write_outcome(job.folder, outcome)
    except OSError:  # as may the job's folder
        with contextlib.suppress(OSError):
            answer.send(outcome)
    os._exit(0 if outcome.state in ("finished", "held") else 1)
