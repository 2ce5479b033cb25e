"""The processes of a gang while they draw: what they tell each other, and who has an engine.

They talk in groups of their own, so that a rollout can be drawn beside training: two threads of a
process must not use one group.

    engines share the GPUs of training     every `tensor_parallel_size` processes have one engine,
                                           on their GPUs; the first of them leads
    engines have GPUs or machines of       process 0 leads; all ask through it
    their own
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeVar

import torch.distributed as dist

from stages.settings.generation import Rollout
from stages.training import parallel

T = TypeVar("T")


class Peers:
    """The gang, and within it those who share an engine."""

    def __init__(self, rollout: Rollout) -> None:
        self.rank = int(os.environ.get("RANK", "0"))
        self.size = parallel.processes()
        self.sharing = self.size if rollout.apart else min(self.size, rollout.tensor_parallel_size)
        self.leader = self.rank // self.sharing * self.sharing
        self._all = self._mine = None
        if self.size > 1:
            self._all = dist.new_group(backend="gloo")
            for first in range(0, self.size, self.sharing):  # all processes make all groups
                members = list(range(first, min(first + self.sharing, self.size)))
                group = dist.new_group(members, backend="gloo")
                if self.rank in members:
                    self._mine = group

    @property
    def leads(self) -> bool:
        return self.rank == self.leader

    def all(self, mine: Sequence[T]) -> list[T]:
        """What all processes have, in their order."""
        if self._all is None:
            return list(mine)
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, list(mine), group=self._all)
        return [each for part in found for each in part]

    def to_leader(self, mine: T) -> list[T]:
        """What those who share an engine have, for its leader; others get nothing."""
        if self._mine is None or self.sharing == 1:
            return [mine]
        found: Any = [None] * dist.get_world_size(self._mine) if self.leads else None
        dist.gather_object(mine, found, dst=self.leader, group=self._mine)
        return found or []

    def from_leader(self, parts: Sequence[T]) -> T:
        """This process's part of what its leader has; others give nothing."""
        if self._mine is None or self.sharing == 1:
            return parts[0]
        mine: list[Any] = [None]
        dist.scatter_object_list(
            mine, list(parts) if self.leads else None, src=self.leader, group=self._mine
        )
        return mine[0]  # type: ignore[no-any-return]

    def meet(self) -> None:
        """Wait until every process is here."""
        if self._all is not None:
            dist.barrier(group=self._all)
