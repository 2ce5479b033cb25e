"""How the documents of one optimiser step are laid out, and cut into forward passes.

A step is `batch_size` documents, as the paper counts them, whatever the layout:

    by length   a document a row, longest first; a pass is `micro_batch` rows of like length, cut to
                the longest of them: next to no padding. What follows a document in its row cannot
                be seen by it, so no mask is needed and attention is plain causal.
    packed      rows of exactly `row_tokens` tokens with several documents each.
                Positions restart with each document, and from that transformers masks attention
                between them (sdpa and eager alike).

The passes of a step have as many rows, give or take one: rows that only filled up the last pass to
`micro_batch` cost a quarter of the step of 17 rows in passes of 8.

Measured on one core (0.9M parameters, documents of 34-106 tokens, fp32, tokens per CPU second, on
a machine that others used): 7.2k by length in passes of 8, 5.0k padded in one pass of 64, 6.1k
packed in rows of 256, 6.0k packed in rows as long as the longest document. Alone, by `python -m
benchmarks.sft`: 9.1k by length; 14.1k packed in rows of 256 and compiled, in bf16. Packing is for
short documents: attention without FlashAttention costs rows of `row_tokens` in full, so long
documents, which need no company to fill a GPU, go by length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from stages.supervised.documents import IGNORED, pack

Batch = dict[str, Any]
Document = Mapping[str, list[int]]  # input_ids and labels, as the data set gives them


@dataclass
class Layout:
    """The collator of SFT: documents to rows. row_tokens None: by length, a document a row.

    multiple: rows have a length that it divides.
    """

    pad_token_id: int
    row_tokens: int | None = None
    multiple: int = 1

    def __call__(self, examples: Sequence[Document]) -> Batch:
        """input_ids, labels, position_ids by row, and `tokens`: how many of a row are real."""
        lengths = [len(example["input_ids"]) for example in examples]
        rows = self._rows(lengths)
        batch = self._empty(len(rows), self.row_tokens or up_to(max(lengths), self.multiple))
        for number, row in enumerate(rows):
            self._fill(batch, number, [examples[index] for index in row])
        return batch

    def _rows(self, lengths: Sequence[int]) -> list[list[int]]:
        if self.row_tokens:
            return pack(lengths, self.row_tokens)
        return [[index] for index in sorted(range(len(lengths)), key=lambda i: -lengths[i])]

    def _empty(self, rows: int, length: int) -> Batch:
        return {
            "input_ids": torch.full((rows, length), self.pad_token_id),
            "labels": torch.full((rows, length), IGNORED),
            "position_ids": torch.zeros((rows, length), dtype=torch.long),
            "tokens": torch.zeros(rows, dtype=torch.long),
        }

    def _fill(
        self, batch: Batch, number: int, documents: Sequence[Mapping[str, list[int]]]
    ) -> None:
        start = 0
        for document in documents:
            place = (number, slice(start, start + len(document["input_ids"])))
            batch["input_ids"][place] = torch.tensor(document["input_ids"])
            batch["labels"][place] = torch.tensor(document["labels"])
            batch["labels"][number, start] = IGNORED  # the document before must not predict it
            batch["position_ids"][place] = torch.arange(len(document["input_ids"]))
            start += len(document["input_ids"])
        batch["tokens"][number] = start


@dataclass(frozen=True)
class Passes:
    """Cuts a step's batch into the fewest forward passes of at most `rows` rows, evenly.

    Rows that are not `packed` lose the columns that no document of their pass reaches, as far as
    `multiple` divides what is left.
    """

    rows: int
    packed: bool
    multiple: int = 1

    def __call__(self, batch: Batch) -> Iterator[Batch]:
        count = -(-len(batch["tokens"]) // self.rows)
        parts = {name: value.tensor_split(count) for name, value in batch.items()}
        for number in range(count):
            part = {name: values[number] for name, values in parts.items()}
            yield part if self.packed else self._trimmed(part)

    def _trimmed(self, part: Batch) -> Batch:
        """Without the columns that no document of the pass reaches.

        Positions go on over the padding: were they to restart, transformers would see a packed row.
        """
        longest = up_to(int(part["tokens"].max()), self.multiple)
        positions = torch.arange(longest, device=part["input_ids"].device)
        return {
            "input_ids": self._own(part["input_ids"][:, :longest]),
            "labels": self._own(part["labels"][:, :longest]),
            "position_ids": self._own(positions.expand(len(part["tokens"]), longest)),
            "tokens": part["tokens"],
        }

    def _own(self, view: torch.Tensor) -> torch.Tensor:
        """Tensors that are cut over processes are cut in place."""
        return view.clone() if self.multiple > 1 else view


def up_to(length: int, multiple: int) -> int:
    """The next length that `multiple` divides."""
    return -(-length // multiple) * multiple


def empty_like(batch: Batch) -> Batch:
    """A pass that weighs nothing: where weights are sharded, all processes make as many passes."""
    labels, tokens = batch["labels"], batch["tokens"]
    return batch | {"labels": torch.full_like(labels, IGNORED), "tokens": torch.zeros_like(tokens)}
