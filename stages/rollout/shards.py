"""Shards of requests on their way through a fleet: what waits, what is repeated, what is next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from stages.rollout.engine import Completion, Finished, GenerationRequest
from stages.settings.generation import Sampling

Answer = list[list[Completion]]


@dataclass(frozen=True)
class Shard:
    """Requests, by their numbers, that one engine answers together."""

    number: int
    requests: Mapping[int, GenerationRequest]
    sampling: Sampling


class Batch:
    """The shards of one stream.

    next: the number of the shard that is given back next. finished: completions so far. deaths:
    engines that died with a shard in hand.
    """

    def __init__(
        self, shards: Iterable[Mapping[int, GenerationRequest]], sampling: Sampling
    ) -> None:
        self._shards = enumerate(shards)
        self._sampling = sampling
        self._again: list[Shard] = []
        self._drawn = 0
        self._exhausted = False
        self._asked: dict[int, Shard] = {}
        self._answers: dict[int, dict[int, list[Completion]]] = {}
        self._done: set[int] = set()
        self.next = 0
        self.finished = 0
        self.deaths: Counter[int] = Counter()

    @property
    def over(self) -> bool:
        """Whether there is nothing left to draw."""
        return self._exhausted and not self._again

    def draw(self, alone: bool, ahead: int) -> Shard | None:
        """The next shard, unless enough are under way; one to repeat only where it is alone."""
        if alone and self._again:
            return self._again.pop(0)
        while self._drawn - self.next < ahead:
            number, requests = next(self._shards, (-1, {}))
            if number < 0:
                self._exhausted = True
                return None
            self._drawn = number + 1
            self._answers[number] = {request: [] for request in requests}
            self._asked[number] = Shard(number, requests, self._sampling)
            if requests:
                return self._asked[number]
            self._done.add(number)
        return None

    def receive(self, number: int, finished: Finished) -> None:
        """Completions of a shard."""
        for request, completion in finished:
            self._answers[number][request].append(completion)
        self.finished += len(finished)

    def done(self, number: int) -> None:
        """Its engine has answered all of a shard."""
        self._done.add(number)

    def repeat(self, shard: Shard) -> None:
        """Have what is missing of a shard drawn again, the oldest shard first."""
        again = [*self._again, self.rest(shard.number)]
        self._again = sorted(again, key=lambda shard: shard.number)

    def rest(self, number: int) -> Shard:
        """What is missing of a shard, with the same seeds."""
        asked, answers = self._asked[number], self._answers[number]
        rest = {
            place: replace(request, n=request.n - have, seed=request.seed + have)
            for place, request in asked.requests.items()
            if (have := len(answers[place])) < request.n
        }
        return replace(asked, requests=rest)

    def take(self) -> Answer | None:
        """The answers that are next in order, where they are complete."""
        number = self.next
        if number not in self._done:
            return None
        self.next += 1
        self._done.remove(number)
        del self._asked[number]
        return list(self._answers.pop(number).values())
