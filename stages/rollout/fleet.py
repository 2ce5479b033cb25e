"""Engines in processes of their own, one per device, that answer requests, in shards or at once.

    with Fleet.open(artifact.model_path, config.rollout, context.threads) as fleet:
        for completions in fleet.stream(shards, config.sampling): ...   # shard by shard, in order
        for finished in fleet.answer(requests, config.sampling): ...    # as they finish
        fleet.sync(folder, version)                                     # new weights for all
    fleet.broadcast(tensors, version, again)                        # the same without a file

Data parallel: each engine takes the next shard that waits. It holds one more than it works on, so
that it goes on while this process judges the last one. An engine that dies (killed by the system,
out of memory, a crash of the driver) is started again, with the newest weights, and what its shards
lack is drawn again, each shard alone from then on, so that the one that kills engines is known: the
third death on a shard fails the stage. Since every sample has its own seed, the completions are the
same.

CUDA never starts in this process: engines own the devices, and end with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import torch
from transformers import PreTrainedTokenizerBase

from pipeline.engine_nodes import Engines
from stages.rollout.child import Child
from stages.rollout.crew import CALL, Crew
from stages.rollout.engine import Finished, GenerationRequest, OnProgress, check_engine
from stages.rollout.lent import Lent
from stages.rollout.remote import Remote, own_address
from stages.rollout.replica import Replica
from stages.rollout.replica_devices import devices
from stages.rollout.replica_process import Sleep, Start, Sync, Wake
from stages.rollout.shards import Answer, Batch
from stages.rollout.weights import Model, in_memory, stamps
from stages.settings.generation import SERVER, Rollout, Sampling


class Fleet:
    """Replicas of one engine on one model.

    version: of the weights that they were given last; 0: those of the model.
    """

    def __init__(
        self,
        replicas: Sequence[Replica],
        tokenizer: PreTrainedTokenizerBase,
        model_path: Path,
        rollout: Rollout,
        lent: Lent | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.version = 0
        self._model_path, self._rollout = model_path, rollout
        self._model: Model | None = None  # read with the first new weights
        self._crew = Crew(replicas, tokenizer, lent)
        self._lent = lent

    @classmethod
    def open(
        cls,
        model_path: Path,
        rollout: Rollout,
        threads: int,
        places: Sequence[str | None] | None = None,
        shares_gpu: bool = False,
        engines: Engines | None = None,
    ) -> Fleet:
        """A fleet on a published model; an engine starts when there is something for it to do.

        places: CUDA_VISIBLE_DEVICES of each engine, by default all that are visible here, shared
        out. shares_gpu: with training; `sleep` and `wake` then say whose turn it is. Engines of
        other machines (`rollout.engines_at`) take the place of all engines here. engines: those of
        further nodes of the stage's job, beside the ones here; a server needs none.
        """
        check_engine(rollout)
        lent = None
        afar = Start(model_path.absolute(), rollout, threads, None)
        if rollout.engines_at:
            replicas = [Replica(afar, partial(Remote, address)) for address in rollout.engines_at]
        else:
            places = devices(rollout) if places is None else places
            threads = max(1, threads // max(1, len(places)))
            starts = [Start(model_path, rollout, threads, place, shares_gpu) for place in places]
            replicas = [Replica(start, Child) for start in starts]
            if engines is not None and rollout.engine != SERVER:
                lent = Lent(engines, afar)
        return cls(replicas, _tokenizer(model_path, rollout), model_path, rollout, lent)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def deaths(self) -> int:
        """How many engines died at work and were started again."""
        return self._crew.deaths

    @property
    def mishaps(self) -> dict[str, int]:
        """For a stage's funnel, where something happened."""
        return {"engine_deaths": self.deaths} if self.deaths else {}

    def close(self) -> None:
        """End all engines; a later shard starts them again."""
        self._crew.end()

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        sampling: Sampling,
        on_progress: OnProgress | None = None,
    ) -> Answer:
        """n completions of each request, in order."""
        size = max(1, -(-len(requests) // self._crew.gather()))
        shards = (list(requests[i : i + size]) for i in range(0, len(requests), size))
        return [group for answer in self.stream(shards, sampling, on_progress) for group in answer]

    def stream(
        self,
        shards: Iterable[Sequence[GenerationRequest]],
        sampling: Sampling,
        on_progress: OnProgress | None = None,
    ) -> Iterator[Answer]:
        """The completions of each shard, in order; `shards` is drawn a little ahead.

        A stream runs to its end before the next one begins; one that is given up ends its engines.
        """
        batch = Batch((dict(enumerate(shard)) for shard in shards), sampling)
        for _ in self._crew.finished(batch):
            if on_progress:
                on_progress(batch.finished)
            while (answer := batch.take()) is not None:
                yield answer

    def answer(
        self, requests: Sequence[GenerationRequest], sampling: Sampling
    ) -> Iterator[Finished]:
        """n completions of each request, each as soon as it is finished, with its request's number.

        The requests are dealt out, and an engine has its whole part at once. Those of a request
        come in order.
        """
        numbered, count = list(enumerate(requests)), self._crew.gather()
        parts = (dict(numbered[first::count]) for first in range(count))
        for finished in self._crew.finished(Batch(parts, sampling)):
            if finished:
                yield finished

    def sync(self, folder: Path, version: int) -> None:
        """Give all engines the weights of a Hugging Face folder; returns when they have them.

        The folder is whole, with config and tokenizer, and stays until the next `sync`: an engine
        that starts later opens it. Raises StageFailed where it does not fit the first model.
        """
        self._opened_on().check(folder)
        folder, self.version = folder.absolute(), version
        self._crew.begin_with(lambda: folder)
        self._crew.call(Sync(CALL, folder, stamps(folder)))

    def broadcast(
        self, weights: Mapping[str, torch.Tensor], version: int, again: Callable[[], Path]
    ) -> None:
        """Give all engines these weights; returns when they have them.

        again: a folder that has them, for engines that start later: asked for when one does. An
        engine that dies of it is one of those. Raises StageFailed as `sync` does.
        """
        self._opened_on().fits(in_memory(weights), "weights to broadcast")
        self.version = version
        self._crew.begin_with(again)
        rollout = self._rollout
        workers = rollout.tensor_parallel_size if rollout.engine == "vllm" else 1
        lent = self._lent.addresses() if self._lent else []
        self._crew.broadcast(weights, own_address(rollout.engines_at or lent), workers)

    def _opened_on(self) -> Model:
        if self._model is None:
            self._model = Model.read(self._model_path, self._rollout.dtype)
        return self._model

    def sleep(self) -> None:
        """Free the GPUs that engines share with training; they keep no weights."""
        self._crew.call(Sleep(CALL))

    def wake(self) -> None:
        """Take them back; after `sync`, since the weights would be loaded twice."""
        self._crew.call(Wake(CALL))


def _tokenizer(model_path: Path, rollout: Rollout) -> PreTrainedTokenizerBase:
    if rollout.engine == SERVER:
        from stages.rollout.server_engine import ChatCodec

        return cast(PreTrainedTokenizerBase, ChatCodec())
    from stages.training.common import load_tokenizer

    return load_tokenizer(model_path)
