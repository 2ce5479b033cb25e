"""`r1 engine --listen HOST:PORT`: lend this machine's GPUs to stages of another one.

    export R1_ENGINE_KEY=…                          the same on both machines
    r1 engine --listen 10.0.0.7:7000                there
    r1 run 'rollout.engines_at=[10.0.0.7:7000]'     here

One job has the engine at a time: it opens the model of that job, which has to be on a disk that
both machines have under one path, takes weights over from there, and is free again when the job has
ended or its machine is gone. A job that comes in between waits a minute. SIGTERM or Ctrl-C ends it.

The key lets in who may run code here, and nothing is encrypted: listen on a network of your own, or
on 127.0.0.1 behind a tunnel (ssh -L).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from pipeline.errors import UsageError


def main(arguments: Sequence[str]) -> int:
    """Lend the engine until it is ended; the exit code."""
    parser = argparse.ArgumentParser(
        prog="r1 engine",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--listen", required=True, metavar="HOST:PORT", help="where to listen")
    parser.add_argument(
        "--threads",
        type=int,
        default=len(os.sched_getaffinity(0)),
        help="CPU threads of the engine (default: all of the machine's)",
    )
    options = parser.parse_args(arguments)
    from stages.rollout.listener import Listener  # imports torch
    from stages.rollout.remote import address_of, key

    address, secret = address_of(options.listen), key()
    try:
        listener = Listener(address, secret, options.threads)
    except OSError as error:
        raise UsageError(f"--listen {options.listen}: {error}") from None
    print(f"engine: listens at {address[0]}:{listener.port}", flush=True)
    listener.serve()
    return 0
