"""What every worker of vLLM can do beside its own methods: take new weights over
in place, from a folder or as they are broadcast.

vLLM mixes the class into its worker's (`worker_extension_cls`), so it is called by name in each
process of an engine. vLLM's own `reload_weights` copies each tensor into the place of the old one,
on a GPU under the captured graphs. On a CPU a layer multiplies by a packed copy of its weight. A
head that is tied to the embeddings has no weight of its own among them, so vLLM 0.31 leaves its
copy as it was: it is packed again here. Nothing else would tell: the gap between the
log-probabilities of engine and trainer is the alarm.
"""

from __future__ import annotations

import logging
import pickle
from typing import Any

from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead
from vllm.platforms import current_platform

from stages.rollout.collective import receive

#: It warns at each sync of rotary embeddings, which have no weights, and of tied heads.
logging.getLogger("vllm.model_executor.model_loader.reload.layerwise").setLevel(logging.ERROR)


class NewWeights:
    """Mixed into a worker, whose attributes and `reload_weights` it uses."""

    model_runner: Any
    device: Any
    rank: int

    def load_folder(self, folder: str) -> None:
        """Take over the weights of a Hugging Face folder."""
        self._reload(weights_path=folder)

    def receive_weights(self, meeting: bytes, first: int) -> None:
        """Take over weights that are broadcast. meeting: pickled. first: rank of worker 0."""
        told = pickle.loads(meeting)
        self._reload(weights_iterator=receive(told, first + self.rank, self.device))

    def _reload(self, **source: Any) -> None:
        self.reload_weights(**source)  # type: ignore[attr-defined]
        if not current_platform.is_cpu():
            return
        for layer in self.model_runner.get_model().modules():
            if isinstance(layer, ParallelLMHead):
                layer.quant_method.process_weights_after_loading(layer)
