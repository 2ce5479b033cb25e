"""A loss or a gradient that is no number: stop, keep the last good checkpoint, show the batch.

The rows of the step go to `bad_batch.jsonl` in the stage's work folder, one a line: which they are,
how they begin, how long they are. Nothing is saved after the step, so the last checkpoint holds
weights from before. TRL and transformers would go on: they log the mean of earlier losses instead.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from pipeline.context import moved
from pipeline.errors import StageFailed
from stages.training.checkpoints import kept_words

BAD_BATCH = "bad_batch.jsonl"
SHOWN = 200  # characters of a text
NAMED = 3  # rows that the error itself names

Line = Mapping[str, Any]


def require_finite(
    name: str, value: float, step: int, rows: Iterable[Line], work: Path, remedy: str
) -> None:
    """Stop when a number of an optimiser step is NaN or infinite; `rows` are written down then."""
    if math.isfinite(value):
        return
    found = list(rows)
    path = work / BAD_BATCH
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found))
    known = [str(row["row"]) for row in found if row["row"] is not None][:NAMED]
    first = f" ({', '.join(known)}, …)" if known else ""
    raise StageFailed(
        f"the {name} of step {step} is {value}. Its {len(found)} rows{first} are in {path}. "
        f"{kept_words(work)} {remedy}"
    )


class FiniteTraining:
    """Mixed into a Trainer of token batches (SFT, pretraining, reward models), before it.

    The loss is looked at before its optimiser step, the gradient's norm before anything is saved.
    """

    remedy = "Look at these rows, or lower optimizer.learning_rate, and run again."

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        step = self.state.global_step  # type: ignore[attr-defined]
        if getattr(self, "_batches_of", None) != step:
            self._batches_of, self._batches = step, []
        self._batches.append(dict(inputs))  # the loss takes out what is not the model's
        loss = super().training_step(model, inputs, num_items_in_batch)  # type: ignore[misc]
        moved()
        self._require_finite("loss", float(loss), step + 1)
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "grad_norm" in logs:
            step = self.state.global_step  # type: ignore[attr-defined]
            self._require_finite("gradient's norm", logs["grad_norm"], step)
        super().log(logs, start_time)  # type: ignore[misc]

    def _require_finite(self, name: str, value: float, step: int) -> None:
        trainer: Any = self
        rows = rows_of(self._batches, trainer.train_dataset, trainer.processing_class)
        work = Path(trainer.args.output_dir)
        require_finite(name, value, step, rows, work, self.remedy)


def rows_of(
    batches: Sequence[Mapping[str, Any]], dataset: Dataset, tokenizer: PreTrainedTokenizerBase
) -> Iterator[Line]:
    """What the batches of a step hold: a row's place in the training data (or id), length, text."""
    documents = [ids for batch in batches for ids in documents_of(batch)]
    places = _places(documents, dataset)
    for ids in documents:
        text = tokenizer.decode(ids)
        yield {"row": places.get(tuple(ids)), "tokens": len(ids), "text": text[:SHOWN]}


def documents_of(batch: Mapping[str, Any]) -> Iterator[list[int]]:
    """The token ids of each document: by positions where a row packs several, else by mask."""
    ids = batch["input_ids"].cpu()
    for number, row in enumerate(ids):
        if "position_ids" in batch:
            starts = (batch["position_ids"][number] == 0).nonzero()[:, 0].tolist()
            parts = [part.tolist() for part in torch.tensor_split(row, starts[1:])]
            yield from (part for part in parts if len(part) > 1)  # a padding token is one alone
        else:
            yield row[batch["attention_mask"][number].cpu().bool()].tolist()


def _places(documents: Sequence[Sequence[int]], dataset: Dataset) -> dict[tuple[int, ...], Any]:
    """Where documents stand in the training data; read through once, when something went wrong."""
    sought = {tuple(ids) for ids in documents}
    columns = [name for name in dataset.column_names if name.endswith("ids") and name != "id"]
    names = dataset["id"] if "id" in dataset.column_names else None
    found: dict[tuple[int, ...], Any] = {}
    for number, row in enumerate(dataset.select_columns(columns).with_format(None)):
        for ids in row.values():
            if (key := tuple(ids)) in sought:
                found.setdefault(key, number if names is None else names[number])
    return found
