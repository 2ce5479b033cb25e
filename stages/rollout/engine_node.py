"""What a node does that holds engines alone, for a stage that runs on another node of its job.

One engine for each share of its GPUs (`rollout.tensor_parallel_size`), as `r1 engine` lends one:
each listens at this node's address towards the first one, and lets in who knows the key of this
start of the job.
"""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import Any

from pipeline.engine_nodes import Lending
from pipeline.errors import StageFailed
from stages.rollout.collective import towards
from stages.rollout.engine import check_engine
from stages.rollout.listener import Listener
from stages.rollout.replica_devices import devices

ANY_PORT = 1  # nothing is sent to it
LOOK = 1.0  # seconds between looks at whether the stage has ended
GRACE = 10.0  # seconds that an engine has to end


def hold(config: Any, lending: Lending) -> None:
    """Lend engines for a stage's `rollout` until it has ended. Raises StageFailed, UsageError."""
    check_engine(config.rollout)
    places = devices(config.rollout)
    invitation = lending.invitation()
    own, key = towards(invitation.address, ANY_PORT), invitation.key.encode()
    threads = max(1, lending.threads // len(places))
    listeners = [Listener((own, 0), key, threads, place) for place in places]
    lenders = [get_context("fork").Process(target=listener.serve) for listener in listeners]
    for lender in lenders:
        lender.start()
    host = f"[{own}]" if ":" in own else own
    lending.announce([f"{host}:{listener.port}" for listener in listeners])
    try:
        while not lending.over():
            if wait([lender.sentinel for lender in lenders], LOOK):
                raise StageFailed("what lends an engine was ended from outside")
    finally:
        for lender in lenders:
            lender.terminate()
        for lender in lenders:
            lender.join(GRACE)
