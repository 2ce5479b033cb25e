"""The same rows in every optimiser step, by however many processes.

An epoch's last batch is mostly short. accelerate then repeats rows from the epoch's start, so that
each process has as many, and the step would see other rows than one process sees. Here rows with
nothing to learn fill it up: they weigh nothing in a loss that is divided by the step's labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from accelerate.data_loader import SeedableRandomSampler
from torch.utils.data import Sampler

from stages.supervised.documents import IGNORED, Document
from stages.training.parallel import processes, with_own_rows


def with_filler(documents: list[Document]) -> list[Document]:
    """The documents and, for a gang, one more at the end that has no label."""
    if processes() == 1:
        return documents
    filler = documents[0].input_ids[:1] * 2
    return [*documents, Document(filler, [IGNORED] * len(filler))]


class EvenSampler(Sampler[int]):
    """A seeded permutation of `rows` rows, then the filler up to a multiple of `batch`."""

    def __init__(self, rows: int, batch: int, seed: int) -> None:
        self._order = SeedableRandomSampler(range(rows), data_seed=seed)
        self._filler = rows
        self._missing = -rows % batch

    def __len__(self) -> int:
        return len(self._order) + self._missing

    def __iter__(self) -> Iterator[int]:
        yield from self._order
        yield from [self._filler] * self._missing

    def set_epoch(self, epoch: int) -> None:
        """The permutation of an epoch, as accelerate asks for it."""
        self._order.set_epoch(epoch)


class EvenBatches:
    """Mixed into a Trainer whose data set ends with a filler row, before it."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        trainer: Any = self
        if processes() == 1:
            return super()._get_train_sampler(train_dataset)  # type: ignore[misc]
        rows = len(trainer.train_dataset) - 1
        batch = trainer.args.per_device_train_batch_size * with_own_rows(trainer)
        return EvenSampler(rows, batch, trainer.args.data_seed)
