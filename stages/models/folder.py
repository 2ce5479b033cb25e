"""A model's folder from elsewhere: which of its files are taken, and whether they are whole.

Files are taken by name, since transformers obeys what lies beside a model: an adapter_config.json
loads other weights, a Python file is code. A link is followed inside the folder, and from a
snapshot of the hub's cache into that cache; one that leads elsewhere would publish a file of yours.

No torch here: of weights only the headers are read, so a local folder is looked at before anything
runs (stages/kinds/pretrained/kind.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open

from pipeline.artifact import MANIFEST
from stages.models.window import text_part

CONFIG, ADAPTER = "config.json", "adapter_config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
SHARDS, CODE = "model-*.safetensors", "*.py"
TOKENIZERS = (
    "tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model",
    "sentencepiece.bpe.model", "spm.model", "tekken.json",
)  # fmt: skip
BESIDE = (
    "generation_config.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "merges.txt", "chat_template.jinja", "chat_template.json",
)  # fmt: skip
EXPECTED = f"{CONFIG}, tokenizer files and {WEIGHTS} or its parts"
#: What is asked of the hub; `taken` then chooses among what came.
WANTED = (CONFIG, WEIGHTS, INDEX, SHARDS, *TOKENIZERS, *BESIDE)
EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight")
PICKLES = (".bin", ".pt", ".pth")


@dataclass(frozen=True)
class _Index:
    weight_map: dict[str, str]


class Unfit(Exception):
    """A folder that is no whole model, and what to do about it."""


def taken(folder: Path, with_code: bool) -> list[Path]:
    """The files that make the model, its own Python files only if asked. Raises Unfit."""
    names = [name for name in (CONFIG, INDEX, *TOKENIZERS, *BESIDE) if (folder / name).is_file()]
    names += weights(folder)
    if with_code:
        names += [path.name for path in sorted(folder.glob(CODE)) if path.is_file()]
    files = [folder / name for name in names]
    for file in files:
        _stay(file)
    return files


def weights(folder: Path) -> list[str]:
    """The names of the weights' files, those that transformers reads. Raises Unfit."""
    if (folder / WEIGHTS).is_file():
        return [WEIGHTS]
    if not (folder / INDEX).is_file():
        raise Unfit(_no_weights(folder))
    try:
        index = TypeAdapter(_Index).validate_json((folder / INDEX).read_bytes())
    except (OSError, ValueError) as error:
        raise Unfit(f"{INDEX} does not list the parts of the weights ({_line(error)})") from error
    names = sorted(set(index.weight_map.values()))
    strange = [name for name in names if not name.endswith(".safetensors") or "/" in name]
    if strange:
        raise Unfit(f"{INDEX} names {strange[0]!r}: expected *.safetensors files beside it")
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise Unfit(
            f"{len(missing)} of {len(names)} parts of the weights that {INDEX} lists are not "
            f"there, e.g. {missing[0]}: copy or download the folder again"
        )
    return names


def check_whole(folder: Path) -> None:
    """Config, tokenizer and weights are there, whole, and fit each other. Raises Unfit."""
    facts = _read_json(folder / CONFIG) if (folder / CONFIG).is_file() else None
    if not isinstance(facts, dict):
        raise Unfit(_no_config(folder))
    rows: int | None = text_part(facts).get("vocab_size")
    for name in weights(folder):
        rows = _embeddings(folder / name) or rows
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise Unfit(
            f"it has no tokenizer (none of {', '.join(TOKENIZERS)}): put one beside the weights, "
            "e.g. AutoTokenizer.from_pretrained(ITS_BASE).save_pretrained(FOLDER)"
        )
    tokenizer = folder / "tokenizer.json"
    if rows is not None and tokenizer.is_file():
        check_vocabulary(_largest_id(_read_json(tokenizer)) + 1, rows)


def check_vocabulary(ids: int, rows: int) -> None:
    """Every token has a row of the embeddings. Raises Unfit."""
    if ids > rows:
        raise Unfit(
            f"its tokenizer has ids up to {ids - 1}, and its embeddings have {rows} rows: take the "
            "tokenizer that it was trained with, or give each token a row: "
            "model.resize_token_embeddings(len(tokenizer)), save_pretrained, and give that folder"
        )


def brings_code(model: Path) -> bool:
    """Whether a published model runs Python files of its own: its user allowed it when it came in.

    Such files are in an artifact only then, and its manifest lists them. `trust_remote_code` of
    whatever loads a model is this: unset, transformers would ask on the terminal.
    """
    manifest = _read_json(model.parent / MANIFEST)
    files = manifest.get("files") if isinstance(manifest, dict) else None
    return any(name.endswith(".py") for name in files or ())


def _stay(file: Path) -> None:
    """Refuse a link that leaves the model's folder, and the cache that its snapshot is in."""
    folder, real = file.parent.resolve(), file.resolve()
    allowed = [folder]
    if folder.parent.name == "snapshots":
        allowed.append(folder.parent.parent / "blobs")
    if not any(real.is_relative_to(place) for place in allowed):
        raise Unfit(
            f"{file.name} is a link to {real}, outside the folder: what is published would hold a "
            "copy of that file. Put the file itself into the folder if it belongs to the model"
        )


def _embeddings(file: Path) -> int | None:
    """How many tokens the weights of a file embed, by its header; None where others do. Unfit."""
    try:
        with safe_open(file, framework="np") as tensors:
            names = [name for name in tensors.keys() if name.endswith(EMBEDDINGS)]  # noqa: SIM118
            return int(tensors.get_slice(names[0]).get_shape()[0]) if names else None
    except (OSError, SafetensorError) as error:
        raise Unfit(
            f"{file.name} is no whole safetensors file ({_line(error)}): its copy or download was "
            "cut short, so make it again"
        ) from error


def _largest_id(tokenizer: Any) -> int:
    """Of a tokenizer.json; -1 where it is written otherwise, and loading it has to tell."""
    if not isinstance(tokenizer, dict):
        return -1
    model = tokenizer.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, dict):
        ids = list(vocabulary.values())
    else:
        ids = [len(vocabulary) - 1] if isinstance(vocabulary, list) else []
    added = tokenizer.get("added_tokens")
    ids += [one.get("id") for one in added if isinstance(one, dict)] if added else []
    return max((number for number in ids if isinstance(number, int)), default=-1)


def _no_config(folder: Path) -> str:
    if (folder / ADAPTER).is_file():
        return (
            f"it holds an adapter ({ADAPTER}), not a model: merge it into its base with peft's "
            "merge_and_unload, save_pretrained, and give that folder"
        )
    return (
        f"expected {EXPECTED}, found {_names(folder)}: give the folder that save_pretrained wrote"
    )


def _no_weights(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    pickled = [name for name in names if name.endswith(PICKLES)]
    advice = (
        f"{pickled[0]} is a pickle and is not read: load and save it with transformers first"
        if pickled
        else "give the folder that save_pretrained wrote"
    )
    return f"expected {EXPECTED}, found {_names(folder)}: {advice}"


def _names(folder: Path, most: int = 12) -> str:
    names = sorted(path.name for path in folder.iterdir())
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "nothing"


def _read_json(path: Path) -> Any:
    """None where it cannot be read: who needs it says so."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
