"""Generation with vLLM: one `LLM.generate` per call, with token ids and n samples per prompt.

vLLM shares the prefill of the n samples and gives them the seeds seed, seed + 1, …, as our
protocol asks. Results come when all are done, so the shard of prompts that a stage hands over is
the unit of checkpointing. Its log-probabilities are taken after temperature, and after the cut
where top-p or top-k is set. Not run by the tests: vLLM is an extra.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from stages.configs import Rollout, Sampling
from stages.rollout.engine import Completion, GenerationRequest, OnProgress


class VLLMEngine:
    """An engine on a published model; vLLM is imported when it is opened."""

    def __init__(self, path: Path, rollout: Rollout) -> None:
        try:
            from vllm import LLM
        except ImportError as error:
            raise UsageError(
                "rollout.engine is `vllm`, which is not installed: pip install 'r1-recipe[vllm]', "
                "or set rollout.engine=transformers"
            ) from error
        from stages.training.common import load_tokenizer

        self.tokenizer = load_tokenizer(path)
        self.llm = LLM(
            model=str(path),
            gpu_memory_utilization=rollout.gpu_memory_utilization,
            tensor_parallel_size=rollout.tensor_parallel_size,
            logprobs_mode="processed_logprobs",
        )

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        sampling: Sampling,
        on_progress: OnProgress | None = None,
    ) -> list[list[Completion]]:
        """n completions of each request, in the order of the requests."""
        from vllm import SamplingParams

        outputs = self.llm.generate(
            [{"prompt_token_ids": r.prompt_ids + r.prefix_ids} for r in requests],
            [
                SamplingParams(
                    n=request.n,
                    seed=request.seed,
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    top_k=sampling.top_k,
                    max_tokens=sampling.max_tokens,
                    logprobs=0,  # of the sampled token alone
                    detokenize=False,
                )
                for request in requests
            ],
            use_tqdm=False,
        )
        if on_progress:
            on_progress(sum(request.n for request in requests))
        return [
            [self._completion(request, sample) for sample in sorted(output.outputs, key=_index)]
            for request, output in zip(requests, outputs, strict=True)
        ]

    def _completion(self, request: GenerationRequest, sample: Any) -> Completion:
        ids = list(sample.token_ids)
        text = self.tokenizer.decode(request.prefix_ids + ids, skip_special_tokens=True)
        logprobs = [
            options[token].logprob for token, options in zip(ids, sample.logprobs, strict=True)
        ]
        return Completion(ids, text, logprobs, sample.finish_reason, request.seed + sample.index)


def _index(sample: Any) -> int:
    return int(sample.index)
