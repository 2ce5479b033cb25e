"""The tiny world's corpus as packed rows of whole documents.

Documents are about 33 tokens long, rows 256. Each document keeps its own positions and attends to
nothing before it, because that is how the model is asked later: with one question and no context.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from pipeline.errors import UsageError
from stages.supervised.documents import IGNORED, pack

CHUNK = 2000  # documents at a time: memory stays small, and rows come out 96 % full


def rows_of(
    tokenizer: PreTrainedTokenizerBase, texts: Iterable[str], length: int, tokens: int
) -> Dataset:
    """Rows of `length` tokens, until they hold `tokens` tokens or the texts end.

    Columns: input_ids, position_ids (0 where a document starts, and on the padding at the end).
    """
    ids: list[np.ndarray] = []
    positions: list[np.ndarray] = []
    total = 0
    stream = iter(texts)
    while total < tokens and (chunk := list(islice(stream, CHUNK))):
        documents = tokenizer(chunk, add_special_tokens=False).input_ids
        _check_lengths(documents, length)
        for row in pack([len(document) for document in documents], length):
            packed = [documents[index] for index in row]
            ids.append(_fill(packed, length, tokenizer.pad_token_id))
            positions.append(_fill([range(len(document)) for document in packed], length, 0))
        total += sum(map(len, documents))
    return Dataset.from_dict({"input_ids": ids, "position_ids": positions}).with_format("torch")


def _fill(parts: Sequence[Sequence[int]], length: int, padding: int) -> np.ndarray:
    row = np.full(length, padding, dtype=np.int32)
    values = list(chain.from_iterable(parts))
    row[: len(values)] = values
    return row


def _check_lengths(documents: Sequence[Sequence[int]], length: int) -> None:
    longest = max(map(len, documents))
    if longest > length:
        raise UsageError(
            f"sequence_length is {length}, but a document of the corpus has {longest} tokens: "
            "raise sequence_length"
        )


def collate(examples: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, Any]:
    """A batch of rows; every token is learnt but a document's first, which nothing precedes."""
    input_ids = torch.stack([example["input_ids"] for example in examples]).long()
    position_ids = torch.stack([example["position_ids"] for example in examples]).long()
    labels = input_ids.masked_fill(position_ids == 0, IGNORED)
    return {
        "input_ids": input_ids,
        "position_ids": position_ids,
        "labels": labels,
        "tokens": (labels != IGNORED).sum(-1),
    }
