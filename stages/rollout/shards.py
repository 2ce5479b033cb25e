"""Shards of requests on their way through a fleet: what waits, what is repeated, what is next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from stages.rollout.engine import Completion, GenerationRequest
from stages.settings.generation import Sampling

Shards = Iterable[list[GenerationRequest]]
Answer = list[list[Completion]]


@dataclass(frozen=True)
class Shard:
    """Requests that are answered together, and repeated together when their engine dies."""

    number: int
    requests: list[GenerationRequest]
    sampling: Sampling


class Batch:
    """The shards of one stream.

    next: the number of the shard that is given back next. finished: completions in answered shards.
    answers: those that wait for their turn. deaths: engines that died with a shard in hand.
    """

    def __init__(self, shards: Shards, sampling: Sampling) -> None:
        self._shards = enumerate(shards)
        self._sampling = sampling
        self._again: list[Shard] = []
        self._drawn = 0
        self.next = 0
        self.finished = 0
        self.answers: dict[int, Answer] = {}
        self.deaths: Counter[int] = Counter()

    def suspect(self, shard: Shard) -> bool:
        """Whether an engine died on this shard, or on one beside it."""
        return self.deaths[shard.number] > 0

    def draw(self, alone: bool, ahead: int) -> Shard | None:
        """The next shard, unless enough are under way; one to repeat only where it is alone."""
        if alone and self._again:
            return self._again.pop(0)
        while self._drawn - self.next < ahead:
            number, requests = next(self._shards, (-1, []))
            if number < 0:
                return None
            self._drawn = number + 1
            if requests:
                return Shard(number, requests, self._sampling)
            self.answers[number] = []
        return None

    def repeat(self, shards: Iterable[Shard]) -> None:
        """Have shards drawn again, the oldest first."""
        self._again = sorted([*self._again, *shards], key=lambda shard: shard.number)

    def answer(self, number: int, completions: Answer) -> None:
        self.answers[number] = completions
        self.finished += sum(map(len, completions))

    def take(self) -> Answer:
        """The answers that are next in order."""
        answers = self.answers.pop(self.next)
        self.next += 1
        return answers
