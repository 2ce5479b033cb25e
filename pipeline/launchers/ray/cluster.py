"""Ray, by the part of it that every cluster has: nodes, placement groups, actors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ray

from pipeline.errors import UsageError
from pipeline.launchers.ray.lacking import Resources


def connect(address: str) -> None:
    """Join a cluster that runs. Raises UsageError."""
    try:
        ray.init(
            address=address, log_to_driver=False, configure_logging=False, logging_level="ERROR"
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        why = " ".join(str(error).split())
        raise UsageError(
            f"launcher.address: {address}: {why}\nStart a cluster with `ray start --head`, join it "
            "from every other node with `ray start --address=HEAD:6379`, and give this command on "
            "one of them."
        ) from None


def nodes() -> list[Resources]:
    """What each node that lives has, by the names of Ray."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def most_gpus(there: Sequence[Resources]) -> int:
    """Of the node that has most."""
    return int(max((node.get("GPU", 0) for node in there), default=0))


def free() -> Resources:
    """What nobody uses, of all nodes together."""
    found: dict[str, Any] = ray.available_resources()
    return found
