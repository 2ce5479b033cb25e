"""Which GPUs the engines of an RL stage have: those of the training, their own, or other nodes'.

A stage that is given N GPUs trains on the first ones, a process each; the last `rollout.own_gpus`
are its engines'. The training must not see those, as transformers would use every GPU in sight.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.engine_nodes import Engines
from pipeline.errors import UsageError
from stages.rl.peers import Peers
from stages.rollout.replica_devices import VISIBLE, gpus
from stages.settings.generation import Rollout


@dataclass(frozen=True)
class Own:
    """What engines alone have. gpus: of this machine. nodes: of the stage's job."""

    gpus: Sequence[str] = ()
    nodes: Engines | None = None


NOTHING = Own()


def set_apart(rollout: Rollout, ahead: int) -> list[str]:
    """Take the engines' own GPUs out of this process's sight, before CUDA starts; their names.

    ahead: `rollout_ahead` of the stage.
    """
    names = gpus()
    if names and ahead and not rollout.apart:
        raise UsageError(
            f"rollout_ahead={ahead} draws while the stage trains, and its engines would share the "
            "GPUs of training: give them rollout.own_gpus or rollout.engine_nodes, or set it to 0"
        )
    if not (names and rollout.own_gpus):
        return []
    if len(names) <= rollout.own_gpus:
        raise UsageError(
            f"rollout.own_gpus={rollout.own_gpus} of {len(names)} GPUs leave none to train on: "
            "lower it, or set 0 to share them"
        )
    os.environ[VISIBLE] = ",".join(names[: -rollout.own_gpus])
    return names[-rollout.own_gpus :]


def places(rollout: Rollout, own: Sequence[str], peers: Peers) -> list[str | None]:
    """CUDA_VISIBLE_DEVICES of each engine here that this process leads; None without a GPU."""
    if rollout.engine_nodes:
        return []
    each = rollout.tensor_parallel_size
    if own:
        return [",".join(own[at : at + each]) for at in range(0, len(own), each)]
    names = gpus()
    return [",".join(names[peers.rank : peers.rank + each])] if names else [None]
