"""Whether a folder's weights fit the model that an engine was opened on, by their headers alone.

vLLM loads what it finds: a tensor that is missing stays as it was, which it says in its log alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open
from transformers import AutoConfig

from pipeline.errors import StageFailed
from stages.models.folder import Unfit, brings_code, weights

HEAD = "lm_head.weight"  # that a model whose head is tied may have in its folder, or not
DERIVED = "rotary_emb.inv_freq"  # that old folders have and nobody reads
DTYPES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}  # as headers name them


class Tensor(NamedTuple):
    """What a header says of one."""

    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{list(self.shape)} in {self.dtype}"


def check_weights(opened: Path, folder: Path, dtype: str) -> None:
    """The tensors of `folder` are those of the model `opened`. Raises StageFailed.

    dtype: in which the engine computes; a tensor may be in it, or as the model was published.
    """
    allowed = DTYPES.get(dtype)
    try:
        before, after = headers(opened), headers(folder)
    except Unfit as error:
        raise StageFailed(f"{folder}: no weights for an engine: {error}") from error
    optional = HEAD if _tied(opened) else DERIVED
    for name in sorted(before.keys() ^ after.keys()):
        if not name.endswith((optional, DERIVED)):
            raise StageFailed(_one_sided(folder, opened, name, before.get(name), after.get(name)))
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if new.shape != old.shape or new.dtype not in (old.dtype, allowed):
            raise StageFailed(
                f"{folder}: {name} is {new}, and the model that the engine was opened on "
                f"({opened}) has {old}: {_advice(new, old, allowed)}"
            )


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


def _tied(folder: Path) -> bool:
    config = AutoConfig.from_pretrained(folder, trust_remote_code=brings_code(folder))
    return bool(config.get_text_config().tie_word_embeddings)


def _one_sided(
    folder: Path, opened: Path, name: str, old: Tensor | None, new: Tensor | None
) -> str:
    if new is None:
        return (
            f"{folder}: {name} is missing, which the model that the engine was opened on "
            f"({opened}) has as {old}: save the whole model, adapters merged, as save_pretrained "
            "does"
        )
    return (
        f"{folder}: {name} ({new}) is no tensor of the model that the engine was opened on "
        f"({opened}): an engine takes new weights of the same model only"
    )


def _advice(new: Tensor, old: Tensor, allowed: str | None) -> str:
    if new.shape != old.shape:
        return "an engine takes new weights of the same shape only; open another one on this model"
    wanted = {old.dtype, allowed or old.dtype}
    return f"save it in {' or '.join(sorted(wanted))}, or set rollout.dtype to what training has"
