"""Engines in processes of their own, one per device, that answer shards of requests in order.

    with Fleet.open(artifact.model_path, config.rollout, context.threads) as fleet:
        for completions in fleet.stream(shards, config.sampling): ...

Data parallel: each engine takes the next shard that waits. It holds one more than it works on, so
that it goes on while this process judges the last one. An engine that dies (killed by the system,
out of memory, a crash of the driver) is started again and its shards are repeated, each alone from
then on, so that the shard that kills engines is known: the third death on a shard fails the stage.
A repeated shard gives the same completions, since every one has its own seed.

CUDA never starts in this process: engines own the devices, and end with it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import cast

from transformers import PreTrainedTokenizerBase

from pipeline import meter
from pipeline.errors import StageFailed
from stages.rollout.engine import GenerationRequest, OnProgress, check_engine
from stages.rollout.replica import Replica
from stages.rollout.replica_devices import devices
from stages.rollout.replica_process import Answers, Failed, Start
from stages.rollout.shards import Answer, Batch, Shard, Shards
from stages.settings.generation import Rollout, Sampling

DEPTH = 2  # shards that an engine holds: the one at work and the next
DEATHS = 3  # engines that one shard may cost
SHOWN = 3  # prompts that the message about such a shard shows
SHOWN_CHARACTERS = 200  # of each


class Fleet:
    """Replicas of one engine on one model. deaths: how many had to be started again."""

    def __init__(self, replicas: Sequence[Replica], tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self.deaths = 0
        self._replicas = replicas

    @classmethod
    def open(cls, model_path: Path, rollout: Rollout, threads: int) -> Fleet:
        """A fleet on a published model; an engine starts when there is a shard for it."""
        check_engine(rollout)
        places = devices(rollout)
        threads = max(1, threads // len(places))
        starts = [Start(model_path, rollout, threads, place) for place in places]
        return cls([Replica(start) for start in starts], _tokenizer(model_path, rollout))

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def mishaps(self) -> dict[str, int]:
        """For a stage's funnel, where something happened."""
        return {"engine_deaths": self.deaths} if self.deaths else {}

    def close(self) -> None:
        """End all engines; a later shard starts them again."""
        for replica in self._replicas:
            replica.end()

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        sampling: Sampling,
        on_progress: OnProgress | None = None,
    ) -> Answer:
        """n completions of each request, in order: a fleet is an engine, too."""
        size = max(1, -(-len(requests) // len(self._replicas)))
        shards = (list(requests[i : i + size]) for i in range(0, len(requests), size))
        return [group for answer in self.stream(shards, sampling, on_progress) for group in answer]

    def stream(
        self, shards: Shards, sampling: Sampling, on_progress: OnProgress | None = None
    ) -> Iterator[Answer]:
        """The completions of each shard, in order; `shards` is drawn a little ahead.

        A stream runs to its end before the next one begins; one that is given up ends its engines.
        """
        batch = Batch(shards, sampling)
        failure: Exception | None = None
        try:
            while True:
                if failure is None:
                    self._hand_out(batch)
                if batch.next in batch.answers:
                    yield batch.take()
                elif failure is not None:
                    raise failure
                elif any(replica.held for replica in self._replicas):
                    with meter.phase("rollout"):
                        failure = self._listen(batch)
                    if on_progress:
                        on_progress(batch.finished + sum(r.finished for r in self._replicas))
                else:
                    return
        finally:
            for replica in self._replicas:
                if replica.held:
                    replica.end()

    def _hand_out(self, batch: Batch) -> None:
        """Give every engine that has room a shard; a shard that saw a death goes alone."""
        for depth in range(DEPTH):
            for replica in self._replicas:
                if len(replica.held) != depth or any(map(batch.suspect, replica.held)):
                    continue
                shard = batch.draw(alone=depth == 0, ahead=(DEPTH + 1) * len(self._replicas))
                if shard is not None:
                    replica.give(shard)

    def _listen(self, batch: Batch) -> Exception | None:
        """Wait for messages and deaths, and settle them; the error that ends the stream, if any.

        What was answered before it is still to be given back.
        """
        wait([thing for replica in self._replicas for thing in replica.watched])
        try:
            for replica in self._replicas:
                self._settle(replica, batch)
        except Exception as error:
            return error
        return None

    def _settle(self, replica: Replica, batch: Batch) -> None:
        died = replica.died()  # before its last messages are read
        for message in replica.receive():
            if isinstance(message, Answers):
                meter.add(message.spent)
                batch.answer(message.shard, message.completions)
            elif isinstance(message, Failed):
                raise message.error
        if died is not None:
            self._bury(replica, batch)

    def _bury(self, replica: Replica, batch: Batch) -> None:
        """Count a death and have the shards that were there repeated."""
        reason = replica.died()
        held = replica.end()
        if not held:
            return  # nothing was lost; the next shard starts it again
        self.deaths += 1
        print(f"an engine died ({reason}); shard repeated", file=sys.stderr, flush=True)
        for shard in held:
            batch.deaths[shard.number] += 1
            if batch.deaths[shard.number] >= DEATHS:
                raise StageFailed(self._deadly(shard, reason))
        batch.repeat(held)

    def _deadly(self, shard: Shard, reason: str | None) -> str:
        prompts = [request.prompt_ids + request.prefix_ids for request in shard.requests]
        shown = [self.tokenizer.decode(ids)[:SHOWN_CHARACTERS] for ids in prompts[:SHOWN]]
        more = f"\n  … and {len(prompts) - SHOWN} more" if len(prompts) > SHOWN else ""
        return (
            f"{DEATHS} engines in a row died on the same shard of {len(prompts)} prompts (the last "
            f"one: {reason}). Its prompts, {min(map(len, prompts))} to {max(map(len, prompts))} "
            f"tokens long:\n" + "\n".join(f"  {text!r}" for text in shown) + more + "\n"
            "If memory ran out, lower rollout.batch_tokens (transformers) or "
            "rollout.gpu_memory_utilization (vllm); else see the stage's log."
        )


def _tokenizer(model_path: Path, rollout: Rollout) -> PreTrainedTokenizerBase:
    if rollout.engine == "server":
        from stages.rollout.server_engine import ChatCodec

        return cast(PreTrainedTokenizerBase, ChatCodec())
    from stages.training.common import load_tokenizer

    return load_tokenizer(model_path)
