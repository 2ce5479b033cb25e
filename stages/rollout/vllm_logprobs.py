"""The temperature, applied where vLLM would let us see the log-probabilities.

Our protocol wants log-probabilities under the sampling temperature and before top-p and top-k cut.
vLLM returns them before the temperature (`raw_logprobs`) or after the cut (`processed_logprobs`).
So this processor, which runs before either, turns logits into log-probabilities at the request's
temperature, and vLLM samples from them at temperature 1: the same draw, since what is subtracted
is one number a row. `processed_logits` then returns what we want; the cut changes only others.

One temperature holds for all that an engine has at a time: a call of `generate` runs to its end.
The class has the interfaces of both of vLLM's model runners. The second one needs Triton, so that
only the first has been run here, on a CPU.
"""

from __future__ import annotations

from typing import Any

import torch
from vllm.sampling_params import SamplingParams
from vllm.v1.sample.logits_processor.interface import BatchUpdate
from vllm.v1.sample.logits_processor.interface import LogitsProcessor as FirstRunner
from vllm.v1.worker.gpu.sample.logits_processor.interface import LogitsProcessor as SecondRunner


class Tempered(FirstRunner, SecondRunner):
    """Logits to log-probabilities at `extra_args["temperature"]`, in place, where there is one."""

    def __init__(self, vllm_config: Any, *state: Any) -> None:
        self.temperature: float | None = None

    def is_argmax_invariant(self) -> bool:
        """It is, but saying so would leave greedy requests out."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """The first runner's news of requests."""
        for _, parameters, *_ in batch_update.added if batch_update else ():
            self._note(parameters)

    def add_request(self, req_idx: int, sampling_params: SamplingParams) -> bool:
        """The second runner's news of requests."""
        self._note(sampling_params)
        return True

    def apply(self, logits_BV: torch.Tensor, *context: Any) -> torch.Tensor:
        if self.temperature is None:
            return logits_BV
        if self.temperature != 1:
            logits_BV /= self.temperature
        logits_BV -= logits_BV.logsumexp(-1, keepdim=True)
        return logits_BV

    def _note(self, parameters: SamplingParams) -> None:
        self.temperature = (parameters.extra_args or {}).get("temperature")
