"""Hugging Face folders that go to an engine and come back from it.

An export is taken only when it has every weight of the model that training started from, in its
shape, and no other. Only headers are read, so a model need not fit in this machine's memory.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from pipeline.errors import StageFailed
from stages.models.folder import Unfit, weights
from stages.models.quirks import without_end_as_pad, without_router_loss
from stages.tiny.tokenizer import save_tokenizer

SHOWN = 3  # weights that an error names

Shapes = Mapping[str, tuple[int, ...]]


def shapes_of(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every weight of a model. Raises Unfit where it is not whole."""
    found: dict[str, tuple[int, ...]] = {}
    for name in weights(folder):
        try:
            with safe_open(folder / name, framework="np") as file:
                found |= {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise Unfit(f"{name} is no whole safetensors file ({error})") from error
    return found


def require_export(export: Path, wanted: Shapes, engine: str) -> None:
    """Refuse an export that is not the model that was sent out, with the first differences."""
    if not export.is_dir():
        raise StageFailed(
            f"{engine} has ended well and left no export at {export}: it has to write Hugging Face "
            "weights with its last checkpoint (verl: save_contents with hf_model)"
        )
    try:
        found = shapes_of(export)
    except Unfit as error:
        raise StageFailed(f"the export of {engine} at {export}: {error}") from error
    wrong = [
        f"{name} is {_size(found.get(name))} and was {_size(wanted.get(name))}"
        for name in sorted(wanted.keys() | found.keys())
        if found.get(name) != wanted.get(name)
    ]
    if wrong:
        more = f", and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise StageFailed(
            f"the export of {engine} at {export} is not the model that was trained: "
            f"{'; '.join(wrong[:SHOWN])}{more}. Nothing of it was published"
        )


def send_out(source: Path, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """The model that an engine opens: the weights of `source`, the tokenizer with its template."""
    if folder.exists():
        return
    aside = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    _copy_model(source, aside)
    save_tokenizer(tokenizer, aside)
    aside.rename(folder)


def skeleton(folder: Path) -> PreTrainedModel:
    """A model without weights, as its config says, for what can be asked of its shape."""
    with torch.device("meta"):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            AutoConfig.from_pretrained(folder, trust_remote_code=False), trust_remote_code=False
        )
    return model


def publish(export: Path, source: Path, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write an export as a stage on TRL writes its model: the same files, by their names.

    source: what training started from, whose settings of generation are kept.
    """
    model = without_end_as_pad(without_router_loss(skeleton(export)))
    model.config.use_cache = True
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    if (source / "generation_config.json").is_file():
        GenerationConfig.from_pretrained(source).save_pretrained(folder)
    _copy_weights(export, folder)
    save_tokenizer(tokenizer, folder)


def _copy_model(source: Path, folder: Path) -> None:
    for name in ("config.json", "generation_config.json"):
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    _copy_weights(source, folder)


def _copy_weights(source: Path, folder: Path) -> None:
    """Linked where a disk can: a model may be hundreds of gigabytes. Nobody writes to them."""
    index = sorted(source.glob("model.safetensors.index.json"))
    for path in (*(source / name for name in weights(source)), *index):
        try:
            os.link(path, folder / path.name)
        except OSError:
            shutil.copyfile(path, folder / path.name)


def _size(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else "×".join(map(str, shape))
