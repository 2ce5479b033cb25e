"""The policy's weights, as engines open them and take them in place of those that they have.

A Hugging Face folder as a stage publishes it, or the tensors of one: adapters merged (here beside
the weights, not into them), tied heads once, experts under the names of the hub. Of FSDP the whole
weights must be gathered when this is called (`parallel.whole_weights`); then every process has
them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerBase
from transformers.core_model_loading import revert_weight_conversion

from stages.models.folder import WEIGHTS
from stages.tiny.tokenizer import save_tokenizer

ADAPTED = ".base_layer."  # in the name of a weight that has an adapter


@torch.no_grad()
def write(
    policy: Any, tokenizer: PreTrainedTokenizerBase, folder: Path, dtype: torch.dtype
) -> None:
    """Write the weights as they are now; the tokenizer where the folder has none yet."""
    model = policy.get_base_model() if isinstance(policy, PeftModel) else policy
    weights = {name: value.to(dtype) for name, value in plain_weights(model)}
    model.save_pretrained(folder, state_dict=weights)
    if not (folder / "tokenizer_config.json").exists():
        save_tokenizer(tokenizer, folder)


@torch.no_grad()
def tensors(policy: Any, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The weights as `write` writes them: those that have the dtype already are not copied."""
    model = policy.get_base_model() if isinstance(policy, PeftModel) else policy
    weights = {name: value.to(dtype) for name, value in plain_weights(model)}
    for name in model._keys_to_ignore_on_save or ():
        weights.pop(name, None)
    return revert_weight_conversion(model, weights)


def write_again(weights: Mapping[str, torch.Tensor], like: Path, folder: Path) -> Path:
    """A folder with such weights, and all else as in one that was written."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(like, folder, ignore=shutil.ignore_patterns("*.safetensors*"))
    here = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    save_file(here, folder / WEIGHTS, {"format": "pt"})
    return folder


def plain_weights(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Parameters and buffers under the names of the plain model, adapters merged into copies."""
    adapted = {
        name: module for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)
    }
    for name, value in (*model.named_parameters(), *_saved_buffers(model)):
        owner, _, what = name.partition(ADAPTED)
        if owner in adapted and what:
            delta = _deltas(adapted[owner]) if what == "weight" else 0
            yield f"{owner}.{what}", value + delta
        elif not any(name.startswith(f"{each}.") for each in adapted):
            yield name, value


def _saved_buffers(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Those of a state dict, which itself would share out FSDP's weights again."""
    for prefix, module in model.named_modules():
        for name, value in module.named_buffers(prefix, recurse=False):
            if name.rpartition(".")[2] not in module._non_persistent_buffers_set:
                yield name, value


def _deltas(layer: Any) -> torch.Tensor:
    """What the active adapters add to a weight."""
    return sum(layer.get_delta_weight(name) for name in layer.active_adapters)
