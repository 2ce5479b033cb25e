"""From rows of conversations to tokens with labels, and from documents to packed rows.

The prompt and the completion are tokenised apart and joined: that is what a model sees when it
generates, and no token can merge across the boundary. Labels are -100 on the prompt, so the loss
is on the completion and its end token alone. TRL's own preparation does the same in several passes
of `datasets.map`, row by row; one batched call here is what makes a first step quick.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from pipeline.errors import UsageError
from stages.data.rows import Row
from stages.data.template import after_prompt, render_prompt

IGNORED = -100
OVERFLOW = ("drop", "split")


@dataclass(frozen=True)
class Document:
    """One conversation as tokens; `labels` are the tokens to learn, or IGNORED. id: its row's."""

    input_ids: list[int]
    labels: list[int]
    id: str = ""

    def __len__(self) -> int:
        return len(self.input_ids)


def encode(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], system_prompt: str | None = None
) -> list[Document]:
    """Prompt + completion + end token of every row, with labels on what the assistant says."""
    if not rows:
        return []
    prompts = [render_prompt(tokenizer, row["prompt"], system_prompt) for row in rows]
    completions = [
        after_prompt(prompt, row["completion"]) for prompt, row in zip(prompts, rows, strict=True)
    ]
    ids = [tokenizer(t, add_special_tokens=False).input_ids for t in (prompts, completions)]
    end = [tokenizer.eos_token_id]
    return [
        Document(
            prompt + completion + end, [IGNORED] * len(prompt) + completion + end, row.get("id", "")
        )
        for prompt, completion, row in zip(*ids, rows, strict=True)
    ]


def fit(
    documents: Sequence[Document], max_length: int, overflow: str
) -> tuple[list[Document], int]:
    """Documents of at most `max_length` tokens, and how many rows were longer.

    `drop` leaves a longer row out; `split` cuts it into documents of their own (the later ones see
    neither the prompt nor what came before). Nothing is truncated.
    """
    if overflow not in OVERFLOW:
        raise UsageError(f"overflow is {overflow!r}; expected one of {list(OVERFLOW)}")
    longer = [document for document in documents if len(document) > max_length]
    fitting = [document for document in documents if len(document) <= max_length]
    if overflow == "split":
        fitting += [part for document in longer for part in _split(document, max_length)]
    return fitting, len(longer)


def _split(document: Document, size: int) -> list[Document]:
    parts = [
        Document(document.input_ids[at : at + size], document.labels[at : at + size], document.id)
        for at in range(0, len(document), size)
    ]
    return [part for part in parts if any(label != IGNORED for label in part.labels[1:])]


def pack(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Indices of documents by row, none above `capacity` tokens: best fit, longest first."""
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (free tokens, row), sorted
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        tightest = bisect_left(room, (lengths[index], 0))
        if tightest < len(room):
            free, row = room.pop(tightest)
            rows[row].append(index)
        else:
            free, row = capacity, len(rows)
            rows.append([index])
        insort(room, (free - lengths[index], row))
    return rows
