"""What answers while RL trains: the policy itself, or engines that are given its weights.

`rollout=transformers` samples from the weights in training, in the same process. vLLM, and any
engine that draws ahead of the training, is the Fleet that sampling stages use too: engines in
processes of their own, and before each rollout the weights go to them as a folder in the stage's
work directory (policy_weights.py), of which two take turns, or by broadcast
(stages/rollout/collective.py). An engine that dies is started again on the newest, so what it draws
again is what it would have drawn.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from accelerate import Accelerator
from transformers import PreTrainedTokenizerBase

from stages.rl import policy_weights
from stages.rl.apart import apart
from stages.rl.engine_devices import Own, places
from stages.rl.peers import Peers
from stages.rl.schedule import length_limits
from stages.rollout.engine import Completion, Finished, GenerationRequest
from stages.rollout.fleet import Fleet
from stages.rollout.transformers_engine import TransformersEngine
from stages.settings.generation import BROADCAST, Rollout, Sampling

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


FIRST = "1"  # the folder that engines are opened on


class PolicyEngine(Protocol):
    """Answers as a model that changes."""

    def refresh(self, version: int) -> None:
        """Have the weights as they are now. All processes call it together.

        version: of the weights; the same number means that they have not changed.
        """

    def answer(
        self, requests: Sequence[GenerationRequest], sampling: Sampling
    ) -> Iterator[Finished]:
        """Completions as they finish. All processes call it together, also for no requests."""

    def rest(self) -> None:
        """Nothing is asked until the next `refresh`: leave the GPU to the training."""

    def close(self) -> None: ...


def engine_of(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    config: RLConfig,
    accelerator: Accelerator,
    peers: Peers,
    folder: Path,
    own: Own,
) -> PolicyEngine:
    """What answers as `model`.

    Where engines have copies: folder: for the weights. own: what is theirs alone.
    """
    if not apart(config):
        return LivePolicy(model, tokenizer, config.rollout.batch_tokens, accelerator)
    ahead = config.rollout_ahead > 0
    return SyncedPolicy(model, tokenizer, engine_settings(config), peers, folder, own, ahead)


def engine_settings(config: RLConfig) -> Rollout:
    """The rollout's settings with what follows from the stage's: precision and window."""
    rollout = config.rollout
    precision = "bfloat16" if config.precision.bf16 else "float32"
    longest = max(length_limits(config).values()) + config.max_prompt_tokens
    return replace(
        rollout,
        dtype=precision if rollout.dtype == "auto" else rollout.dtype,
        max_model_tokens=rollout.max_model_tokens or longest,
    )


class LivePolicy:
    """The weights in training."""

    def __init__(
        self,
        model: Any,
        tokenizer: PreTrainedTokenizerBase,
        batch_tokens: int,
        accelerator: Accelerator,
    ) -> None:
        self.engine = TransformersEngine(model, tokenizer, batch_tokens)
        self.accelerator = accelerator

    def refresh(self, version: int) -> None:
        """They are always the newest."""

    def answer(
        self, requests: Sequence[GenerationRequest], sampling: Sampling
    ) -> Iterator[Finished]:
        with self.accelerator.autocast():
            yield from self.engine.stream(requests, sampling)

    def rest(self) -> None:
        """It is the training's own model."""

    def close(self) -> None:
        """It ends with the training."""


class SyncedPolicy:
    """Engines with copies of the weights. ahead: whether they draw while the policy is trained."""

    def __init__(
        self,
        model: Any,
        tokenizer: PreTrainedTokenizerBase,
        rollout: Rollout,
        peers: Peers,
        folder: Path,
        own: Own,
        ahead: bool,
    ) -> None:
        self.model, self.tokenizer, self.rollout, self.peers = model, tokenizer, rollout, peers
        self.folder, self.own, self.ahead = folder, own, ahead
        self.sleeps = torch.cuda.is_available() and not rollout.apart
        self._fleet: Fleet | None = None
        self._version: int | None = None
        self._synced = 0

    def refresh(self, version: int) -> None:
        if version != self._version:
            self._version = version
            self._sync()
        if self.sleeps and self._fleet is not None:
            self._fleet.wake()

    def _sync(self) -> None:
        self._synced += 1
        if self.rollout.weights == BROADCAST and self._synced > 1:
            if self._fleet is not None:
                self._broadcast(self._fleet)
            return
        folder = self.folder / str(self._synced % 2)
        if self.peers.rank == 0:
            policy_weights.write(self.model, self.tokenizer, folder, DTYPES[self.rollout.dtype])
        self.peers.meet()
        if not self.peers.leads:
            return
        if self._fleet is None:
            self._fleet = self._open(folder)
        else:
            self._fleet.sync(folder, self._synced)

    def _broadcast(self, fleet: Fleet) -> None:
        """Send the weights; an engine that starts later finds them in a folder, written for it.

        While a rollout is drawn ahead the policy moves on, so a copy is kept for that folder.
        """
        weights = partial(policy_weights.tensors, self.model, DTYPES[self.rollout.dtype])
        sent = weights()
        if self.ahead:
            kept = {name: value.to("cpu", copy=True) for name, value in sent.items()}
            weights = partial(dict, kept)
        folder = (self.folder / f"again{self._synced}").absolute()

        @cache
        def again() -> Path:
            for other in self.folder.glob("again*"):
                shutil.rmtree(other)
            return policy_weights.write_again(weights(), self.folder / FIRST, folder)

        fleet.broadcast(sent, self._synced, again)

    def _open(self, folder: Path) -> Fleet:
        return Fleet.open(
            folder,
            self.rollout,
            torch.get_num_threads(),
            places=places(self.rollout, self.own.gpus, self.peers),
            shares_gpu=self.sleeps,
            engines=self.own.nodes,
        )

    def answer(
        self, requests: Sequence[GenerationRequest], sampling: Sampling
    ) -> Iterator[Finished]:
        if self.peers.sharing == 1:
            assert self._fleet is not None
            yield from self._fleet.answer(requests, sampling)
            return
        parts = self.peers.to_leader(list(requests))
        found = self._answers(parts, sampling) if self._fleet is not None else []
        yield self.peers.from_leader(found)

    def _answers(
        self, parts: Sequence[Sequence[GenerationRequest]], sampling: Sampling
    ) -> list[list[tuple[int, Completion]]]:
        """The answers of each process that shares the engine."""
        assert self._fleet is not None
        places = [(rank, at) for rank, part in enumerate(parts) for at in range(len(part))]
        asked = [request for part in parts for request in part]
        found: list[list[tuple[int, Completion]]] = [[] for _ in parts]
        for batch in self._fleet.answer(asked, sampling):
            for request, completion in batch:
                rank, at = places[request]
                found[rank].append((at, completion))
        return found

    def rest(self) -> None:
        if not self.sleeps:
            return
        self._version = None  # asleep, an engine has no weights
        if self._fleet is not None:
            self._fleet.sleep()

    def close(self) -> None:
        if self._fleet is not None:
            self._fleet.close()
