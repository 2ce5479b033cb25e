"""Who generates in benchmarks/engines.py: our engines, and the libraries as manuals show them.

Each has the model in a process of its own and is timed inside it, but the fleet: that one is timed
where a stage would wait for it, with all that goes between the processes.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import torch

from stages.rollout.engine import GenerationRequest
from stages.rollout.fleet import Fleet
from stages.rollout.opening import open_engine
from stages.settings.generation import Rollout, Sampling


@dataclass(frozen=True)
class Task:
    """The requests of one run, and how they are sampled."""

    requests: list[GenerationRequest]
    sampling: Sampling


@dataclass(frozen=True)
class Setting:
    """The model, and what every contestant is given alike."""

    model: Path
    rollout: Rollout
    threads: int
    shard_samples: int


@dataclass(frozen=True)
class Run:
    """What a run took, and the tokens that it sampled, end tokens included."""

    seconds: float
    tokens: int

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds


class Contestant(Protocol):
    name: str

    def run(self, task: Task) -> Run: ...

    def close(self) -> None: ...


#: Called with a task; returns the tokens sampled.
Generate = Callable[[Task], int]


class OurFleet:
    """`Fleet.stream`, shard by shard and without log-probabilities, as stages use it."""

    name = "ours: fleet"

    def __init__(self, setting: Setting) -> None:
        self._fleet = Fleet.open(setting.model, setting.rollout, setting.threads)
        self._shard_samples = setting.shard_samples

    def run(self, task: Task) -> Run:
        size = max(1, self._shard_samples // task.requests[0].n)
        requests = [replace(request, logprobs=False) for request in task.requests]
        shards = (requests[i : i + size] for i in range(0, len(requests), size))
        started = time.perf_counter()
        tokens = sum(
            len(completion.token_ids)
            for answer in self._fleet.stream(shards, task.sampling)
            for completions in answer
            for completion in completions
        )
        return Run(time.perf_counter() - started, tokens)

    def close(self) -> None:
        self._fleet.close()


class Apart:
    """A contestant in a process of its own. make: gives, from the setting, what generates."""

    def __init__(self, name: str, make: Callable[[Setting], Generate], setting: Setting) -> None:
        self.name = name
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, setting))
        self._process.start()
        theirs.close()

    def run(self, task: Task) -> Run:
        self._connection.send(task)
        run: Run = self._connection.recv()
        return run

    def close(self) -> None:
        self._connection.send(None)
        self._process.join()


def _serve(connection: Connection, make: Callable[[Setting], Generate], setting: Setting) -> None:
    torch.set_num_threads(setting.threads)
    try:
        generate = make(setting)
        while (task := connection.recv()) is not None:
            started = time.perf_counter()
            tokens = generate(task)
            connection.send(Run(time.perf_counter() - started, tokens))
    except Exception:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(0)  # what vLLM has started would keep the process


def our_engine(setting: Setting) -> Generate:
    """`Engine.generate`, all requests in one call, without log-probabilities."""
    return _ours(setting, logprobs=False)


def our_engine_logprobs(setting: Setting) -> Generate:
    """The same with them."""
    return _ours(setting, logprobs=True)


def _ours(setting: Setting, logprobs: bool) -> Generate:
    engine = open_engine(setting.model, setting.rollout, setting.threads)

    def generate(task: Task) -> int:
        requests = [replace(request, logprobs=logprobs) for request in task.requests]
        answers = engine.generate(requests, task.sampling)
        return sum(len(completion.token_ids) for group in answers for completion in group)

    return generate


def bare_vllm(setting: Setting) -> Generate:
    """`LLM.generate`, all requests in one call; no log-probabilities."""
    from vllm import LLM, SamplingParams

    rollout = setting.rollout
    settings: dict[str, Any] = {
        "model": str(setting.model),
        "dtype": rollout.dtype,
        "max_model_len": rollout.max_model_tokens,
        "gpu_memory_utilization": rollout.gpu_memory_utilization,
    }
    if not torch.cuda.is_available():
        cache = int((rollout.kv_cache_gib or 1) * 2**30)
        settings |= {"enforce_eager": True, "kv_cache_memory_bytes": cache}
        settings["enable_chunked_prefill"] = False  # with it and seeds, it fails on a CPU
    llm = LLM(**settings)

    def generate(task: Task) -> int:
        sampling = task.sampling
        parameters = [
            SamplingParams(
                n=request.n,
                seed=request.seed,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=sampling.max_tokens,
            )
            for request in task.requests
        ]
        prompts = [{"prompt_token_ids": request.prompt_ids} for request in task.requests]
        outputs = llm.generate(prompts, parameters, use_tqdm=False)
        return sum(len(sample.token_ids) for output in outputs for sample in output.outputs)

    return generate


def bare_vllm_one_process(setting: Setting) -> Generate:
    """The same with vLLM's core in the caller's process, as our engine has it on a CPU."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    return bare_vllm(setting)


def sorted_generate(setting: Setting) -> Generate:
    """`model.generate` well batched: sorted by length, batches as many tokens as ours."""
    return _generate(setting, well_batched=True)


def plain_generate(setting: Setting) -> Generate:
    """`model.generate` in a loop over the requests as they come, in batches of one size."""
    return _generate(setting, well_batched=False)


def _generate(setting: Setting, well_batched: bool) -> Generate:
    from transformers import AutoModelForCausalLM

    from stages.training.common import load_tokenizer

    tokenizer = load_tokenizer(setting.model)
    model = AutoModelForCausalLM.from_pretrained(
        setting.model, dtype=setting.rollout.dtype, trust_remote_code=False
    )
    model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()

    @torch.inference_mode()
    def generate(task: Task) -> int:
        sampling, tokens = task.sampling, 0
        for batch in _batches(task, setting.rollout.batch_tokens, well_batched):
            prompts = [{"input_ids": request.prompt_ids} for request in batch]
            inputs = tokenizer.pad(prompts, return_tensors="pt").to(model.device)
            drawn = model.generate(
                **inputs,
                do_sample=True,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=0,
                max_new_tokens=sampling.max_tokens,
                num_return_sequences=batch[0].n,
                pad_token_id=tokenizer.pad_token_id,
            )[:, inputs.input_ids.shape[1] :]
            tokenizer.batch_decode(drawn, skip_special_tokens=True)
            ended = (drawn == tokenizer.eos_token_id).cumsum(-1)
            tokens += int(((ended == 0).sum(-1) + (ended > 0).any(-1)).sum())
        return tokens

    return generate


def _batches(task: Task, batch_tokens: int, well_batched: bool) -> Sequence[Sequence[Any]]:
    """Batches that fit the same memory: each as many as fit, or all of a size that always fits."""
    samples, longest = task.requests[0].n, task.sampling.max_tokens
    requests = task.requests
    if not well_batched:
        width = max(len(request.prompt_ids) for request in requests) + longest
        size = max(1, batch_tokens // (width * samples))
        return [requests[i : i + size] for i in range(0, len(requests), size)]
    batches: list[list[GenerationRequest]] = []
    for request in sorted(requests, key=lambda request: -len(request.prompt_ids)):
        width = len((batches[-1] if batches else [request])[0].prompt_ids) + longest
        if not batches or (len(batches[-1]) + 1) * samples * width > batch_tokens:
            batches.append([])
        batches[-1].append(request)
    return batches
