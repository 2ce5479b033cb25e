"""Ray, by the part of it that every cluster has: nodes, placement groups, actors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ray

from pipeline.errors import UsageError

Resources = Mapping[str, float]


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


def lacking(bundle: Resources, count: int, there: Sequence[Resources], free: Resources) -> str:
    """Why `count` nodes with these resources cannot be had now, in words."""
    asked = f"{count} node{'s' if count > 1 else ''} with {_words(bundle)}"
    have = {name: sum(node.get(name, 0) >= n for node in there) for name, n in bundle.items()}
    fit = sum(all(node.get(name, 0) >= n for name, n in bundle.items()) for node in there)
    if short := {name: n for name, n in bundle.items() if have[name] < count}:
        lacks = ", ".join(f"{have[name]} with {_words({name: n})}" for name, n in short.items())
        return f"{asked} asked for; of {len(there)} nodes there are {lacks}"
    if fit < count:
        return f"{asked} asked for; of {len(there)} nodes {fit} have all of it"
    left = ", ".join(
        f"{_words({name: free.get(name, 0)})} of "
        f"{_amount(name, sum(node.get(name, 0) for node in there))}"
        for name in bundle
    )
    return f"{asked} asked for; free in all: {left}"


def _words(amounts: Resources) -> str:
    return ", ".join(f"{name} {_amount(name, amount)}" for name, amount in amounts.items())


def _amount(name: str, amount: float) -> str:
    return f"{amount / 1024**3:.3g} GiB" if name == "memory" else f"{amount:g}"
