"""Whether new weights fit the model that an engine was opened on; of a folder by headers alone.

vLLM loads what it finds: a tensor that is missing stays as it was, which it says in its log alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig

from pipeline.errors import StageFailed
from stages.models.folder import Unfit, brings_code, weights

HEAD = "lm_head.weight"  # that a model whose head is tied may have in its folder, or not
DERIVED = "rotary_emb.inv_freq"  # that old folders have and nobody reads
DTYPES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}  # as headers name them

#: Size in bytes and time of the last change, in ns, of each file of weights.
Stamps = dict[str, tuple[int, int]]


class Tensor(NamedTuple):
    """What a header says of one."""

    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{list(self.shape)} in {self.dtype}"


@dataclass(frozen=True)
class Model:
    """What an engine was opened on. dtype: in which it computes, as headers name it, where it is
    not as published. tied: whether its head is its embeddings.
    """

    path: Path
    tensors: dict[str, Tensor]
    dtype: str | None
    tied: bool

    @classmethod
    def read(cls, path: Path, dtype: str) -> Model:
        """A published model; dtype: rollout.dtype. Raises Unfit."""
        config = AutoConfig.from_pretrained(path, trust_remote_code=brings_code(path))
        tied = bool(config.get_text_config().tie_word_embeddings)
        return cls(path, headers(path), DTYPES.get(dtype), tied)

    def check(self, folder: Path) -> None:
        """A folder has weights of this model. Raises StageFailed."""
        try:
            found = headers(folder)
        except Unfit as error:
            raise StageFailed(f"{folder}: no weights for an engine: {error}") from error
        self.fits(found, str(folder))

    def fits(self, found: Mapping[str, Tensor], source: str) -> None:
        """These are weights of this model. source: where they are. Raises StageFailed."""
        optional = (DERIVED, HEAD) if self.tied else (DERIVED,)
        for name in sorted(self.tensors.keys() ^ found.keys()):
            if not name.endswith(optional):
                raise StageFailed(f"{source}: {name} {self._one_sided(name, found.get(name))}")
        for name in sorted(self.tensors.keys() & found.keys()):
            old, new = self.tensors[name], found[name]
            if new.shape != old.shape or new.dtype not in (old.dtype, self.dtype):
                raise StageFailed(
                    f"{source}: {name} is {new}, and the model that the engine was opened on "
                    f"({self.path}) has {old}: {self._advice(old, new)}"
                )

    def _one_sided(self, name: str, new: Tensor | None) -> str:
        if new is None:
            return (
                f"is missing, which the model that the engine was opened on ({self.path}) has as "
                f"{self.tensors[name]}: save the whole model, adapters merged, as save_pretrained "
                "does"
            )
        return (
            f"({new}) is no tensor of the model that the engine was opened on ({self.path}): an "
            "engine takes new weights of the same model only"
        )

    def _advice(self, old: Tensor, new: Tensor) -> str:
        if new.shape != old.shape:
            return (
                "an engine takes new weights of the same shape only; open another one on this model"
            )
        wanted = " or ".join(sorted({old.dtype, self.dtype or old.dtype}))
        return f"save it in {wanted}, or set rollout.dtype to what training has"


def headers(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder. Raises Unfit."""
    found = {}
    for name in weights(folder):
        try:
            with safe_open(folder / name, framework="np") as file:
                for key in file.keys():  # noqa: SIM118
                    tensor = file.get_slice(key)
                    found[key] = Tensor(tuple(tensor.get_shape()), tensor.get_dtype())
        except (OSError, SafetensorError) as error:
            raise Unfit(f"{name} is no whole safetensors file ({error})") from error
    return found


def in_memory(weights: Mapping[str, torch.Tensor]) -> dict[str, Tensor]:
    """The same of tensors that are in no file."""
    found = {}
    for name, tensor in weights.items():
        dtype = str(tensor.dtype).removeprefix("torch.")
        found[name] = Tensor(tuple(tensor.shape), DTYPES.get(dtype, dtype))
    return found


def stamps(folder: Path) -> Stamps:
    """Of a folder's weights; a network disk looks at a file anew when it is opened."""
    found = {}
    with suppress(OSError, Unfit):
        for name in weights(folder):
            with (folder / name).open("rb") as file:
                status = os.fstat(file.fileno())
            found[name] = (status.st_size, status.st_mtime_ns)
    return found
