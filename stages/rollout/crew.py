"""The engines of a fleet at work: who gets which shard, what they say, and who died."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from pipeline import meter
from pipeline.errors import StageFailed
from stages.rollout.collective import Sender, Undelivered
from stages.rollout.engine import Finished
from stages.rollout.lent import Lent, Unreached
from stages.rollout.replica import Replica
from stages.rollout.replica_process import Answers, Done, Failed, Order, Receive
from stages.rollout.shards import Batch, Shard

DEPTH = 2  # shards that an engine holds: the one at work and the next
DEATHS = 3  # engines that one shard may cost
SHOWN = 3  # prompts that the message about such a shard shows
SHOWN_CHARACTERS = 200  # of each
CALL = -1  # the number of an order that is no shard
JOINS = 2.0  # seconds after which engines of other nodes are looked for, while all are at work


class Crew:
    """Replicas of one engine. deaths: how many had to be started again.

    lent: those on other nodes of the job, which come and go.
    """

    def __init__(
        self,
        replicas: Sequence[Replica],
        tokenizer: PreTrainedTokenizerBase,
        lent: Lent | None = None,
    ) -> None:
        self.deaths = 0
        self._undelivered = 0  # broadcasts in a row
        self._replicas = list(replicas)
        self._tokenizer = tokenizer
        self._lent = lent
        self._folder: Callable[[], Path] | None = None

    def gather(self) -> int:
        """How many engines there are: one at least. Raises StageFailed."""
        if self._lent is not None and not self._replicas:
            self._lent.gather()
        self._join()
        while not self._replicas:
            self._wait_for_any()
            self._join()
        return len(self._replicas)

    def begin_with(self, folder: Callable[[], Path]) -> None:
        """Those that start from now on open this folder; the first of them asks for it."""
        self._folder = folder
        for replica in self._replicas:
            replica.begin_with(folder)

    def call(self, order: Order) -> None:
        """Have those that live carry out an order; one that dies of it is not asked again."""
        assert not self._busy(), "engines take weights over and sleep between two streams"
        for replica in self._replicas:
            if replica.lives:
                replica.give(order)
        self._carried_out()

    def broadcast(self, weights: Mapping[str, torch.Tensor], host: str, workers: int) -> None:
        """Send weights to those that live; what does not get them whole is not asked again.

        host: this machine's address. workers: of each engine. Raises StageFailed where it fails
        rollout after rollout.
        """
        assert not self._busy(), "engines take weights over between two streams"
        for replica in self._replicas:
            replica.receive()  # that a connection is lost shows here
        living, before = [replica for replica in self._replicas if replica.lives], self.deaths
        if not living:
            return
        try:
            with Sender(weights, host, workers * len(living)) as sender:
                for place, replica in enumerate(living):
                    replica.give(Receive(CALL, sender.meeting, 1 + place * workers))
                with meter.phase("sync"):
                    sender.send()
                self._carried_out()
        except Undelivered as error:
            self._give_up(error)
        self._undelivered = self._undelivered + 1 if self.deaths > before else 0
        if self._undelivered == DEATHS:
            raise StageFailed(
                f"weights did not reach the engines by broadcast {DEATHS} times in a row (see the "
                "stage's log): set rollout.weights=file"
            )

    def _give_up(self, error: Undelivered) -> None:
        """End those that may have half of the weights, unless one says that all is in vain."""
        try:
            for replica in self._busy():
                for message in replica.receive():
                    if isinstance(message, Failed):
                        raise message.error
                self._bury(replica, f"weights were not delivered: {error}")
        finally:
            self._end_busy()

    def _carried_out(self) -> None:
        """Wait until all have done what they were told, or died of it."""
        try:
            while self._busy():
                with meter.phase("sync"):
                    self._wait()
                for replica in self._busy():
                    died = replica.died()  # before its last messages are read
                    for message in replica.receive():
                        if isinstance(message, Done):
                            meter.add(message.spent)
                        if isinstance(message, Failed):
                            raise message.error
                    if died is not None:
                        self._bury(replica)
        finally:
            self._end_busy()

    def finished(self, batch: Batch) -> Iterator[Finished]:
        """What they finish, as they do; nothing, where shards without requests are done."""
        failure: Exception | None = None
        try:
            while self._busy() or not batch.over:
                self._hand_out(batch)
                finished: Finished = []
                if self._busy():
                    finished, failure = self._listen(batch)
                elif not self._replicas:
                    self._wait_for_any()
                yield finished  # what was answered is given back before all ends
                if failure is not None:
                    raise failure
        finally:
            self._end_busy()

    def end(self) -> None:
        """End all; the next order starts them again."""
        for replica in self._replicas:
            replica.end()

    def _busy(self) -> list[Replica]:
        return [replica for replica in self._replicas if replica.held]

    def _end_busy(self) -> None:
        for replica in self._busy():
            replica.end()

    def _join(self) -> None:
        """Take up engines of other nodes that are there by now."""
        for replica in self._lent.come() if self._lent else ():
            if self._folder is not None:
                replica.begin_with(self._folder)
            self._replicas.append(replica)

    def _wait_for_any(self) -> None:
        assert self._lent is not None, "a fleet without engines"
        with meter.phase("rollout"):
            self._lent.wait()

    def _hand_out(self, batch: Batch) -> None:
        """Give every engine that has room a shard; a shard that saw a death goes alone."""
        self._join()
        for depth in range(DEPTH):
            for replica in list(self._replicas):
                suspect = any(batch.deaths[order.number] for order in replica.held)
                if len(replica.held) != depth or suspect:
                    continue
                shard = batch.draw(alone=depth == 0, ahead=(DEPTH + 1) * len(self._replicas))
                if shard is not None:
                    self._give(replica, shard, batch)

    def _give(self, replica: Replica, shard: Shard, batch: Batch) -> None:
        """Others draw what one on another node cannot be given."""
        try:
            replica.give(shard)
        except Unreached as error:
            assert self._lent is not None
            gone = self._lent.leave_aside(error)
            self._replicas = [one for one in self._replicas if one not in gone]
            batch.repeat(shard)

    def _wait(self) -> None:
        things = [thing for replica in self._replicas for thing in replica.watched]
        wait(things, JOINS if self._lent else None)

    def _listen(self, batch: Batch) -> tuple[Finished, Exception | None]:
        """Wait for messages and deaths, and settle them; also the error that ends it, if any."""
        with meter.phase("rollout"):
            self._wait()
        finished: Finished = []
        try:
            for replica in self._replicas:
                self._settle(replica, batch, finished)
        except Exception as error:
            return finished, error
        return finished, None

    def _settle(self, replica: Replica, batch: Batch, finished: Finished) -> None:
        died = replica.died()  # before its last messages are read
        for message in replica.receive():
            if isinstance(message, Answers):
                batch.receive(message.shard, message.finished)
                finished += message.finished
            elif isinstance(message, Done):
                meter.add(message.spent)
                batch.done(message.order)
            elif isinstance(message, Failed):
                raise message.error
        if died is None:
            return
        reason = replica.died() or died
        for shard in self._bury(replica):
            batch.deaths[shard.number] += 1
            batch.repeat(shard)
            if batch.deaths[shard.number] >= DEATHS:
                raise StageFailed(self._deadly(batch.rest(shard.number), reason))

    def _bury(self, replica: Replica, lives: str = "") -> list[Shard]:
        """Count a death at work; returns the shards that are not answered.

        lives: why one that lives ends here.
        """
        reason = replica.died() or lives
        held = replica.end()
        if held:  # else nothing was lost; the next order starts it again
            self.deaths += 1
            print(f"an engine died ({reason}); its work is repeated", file=sys.stderr, flush=True)
        return [order for order in held if isinstance(order, Shard)]

    def _deadly(self, shard: Shard, reason: str) -> str:
        prompts = [request.prompt_ids + request.prefix_ids for request in shard.requests.values()]
        shown = [self._tokenizer.decode(ids)[:SHOWN_CHARACTERS] for ids in prompts[:SHOWN]]
        more = f"\n  … and {len(prompts) - SHOWN} more" if len(prompts) > SHOWN else ""
        return (
            f"{DEATHS} engines in a row died on the same shard of {len(prompts)} prompts (the last "
            f"one: {reason}). Its prompts, {min(map(len, prompts))} to {max(map(len, prompts))} "
            f"tokens long:\n" + "\n".join(f"  {text!r}" for text in shown) + more + "\n"
            "If memory ran out, lower rollout.batch_tokens (transformers) or "
            "rollout.gpu_memory_utilization (vllm); else see the stage's log."
        )
