"""An option: rows that say what a benchmark item says, in other words. N-grams miss them.

Two prompts are compared by the cosine of their units, weighted by how rare they are among the
benchmarks' prompts (tf-idf, (1 + ln tf) · idf). A row is a paraphrase when the cosine is high, or
when both hold the same numbers, two or more, and the cosine is not low: people and things are
easily renamed, numbers seldom. It needs no model; in return it knows no synonyms, and takes no
translation for what it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from stages.hygiene.benchmarks import Item
from stages.hygiene.units import Hashes, Units, split

Numbers = tuple[int, ...]
AT_ONCE = 256  # rows compared with all items in one product
ENOUGH_NUMBERS = 2


@dataclass(frozen=True)
class Likeness:
    """The item that a row resembles most, and how much."""

    row: int
    item: Item
    similarity: float
    same_numbers: bool


class Paraphrases:
    """Prompts of benchmark items, as vectors. Thresholds: stages/kinds/clean."""

    def __init__(
        self, items: Sequence[Item], prompts: Sequence[str], alike: float, same_numbers: float
    ) -> None:
        self.items = items
        self.alike, self.same_numbers = alike, same_numbers
        units = split(prompts)
        self._vocabulary = np.unique(units.hashes)
        counts = self._counts(units)
        held = np.bincount(counts.indices, minlength=len(self._vocabulary))
        self._rarity = np.log((1 + len(items)) / (1 + held)).astype(np.float32) + 1
        self._vectors = self._weighted(counts).T.tocsr()
        self._by_numbers: dict[Numbers, list[int]] = defaultdict(list)
        for number, held_numbers in enumerate(_numbers(units)):
            if len(held_numbers) >= ENOUGH_NUMBERS:
                self._by_numbers[held_numbers].append(number)

    def of(self, prompts: Sequence[str]) -> list[Likeness]:
        """The prompts that are paraphrases, in order."""
        units = split(prompts)
        vectors = self._weighted(self._counts(units))
        numbers = _numbers(units)
        found = []
        for start in range(0, len(prompts), AT_ONCE):
            cosines = (vectors[start : start + AT_ONCE] @ self._vectors).toarray()
            for place, row in enumerate(cosines):
                likeness = self._judged(start + place, row, numbers[start + place])
                if likeness:
                    found.append(likeness)
        return found

    def _judged(
        self, row: int, cosines: npt.NDArray[np.float32], numbers: Numbers
    ) -> Likeness | None:
        best = int(cosines.argmax())
        if cosines[best] >= self.alike:
            return Likeness(row, self.items[best], float(cosines[best]), False)
        sharing = self._by_numbers.get(numbers)
        if not sharing:
            return None
        best = max(sharing, key=cosines.__getitem__)
        if cosines[best] < self.same_numbers:
            return None
        return Likeness(row, self.items[best], float(cosines[best]), True)

    def _counts(self, units: Units) -> sparse.csr_matrix:
        """How often each text holds each unit of the vocabulary."""
        columns = np.searchsorted(self._vocabulary, units.hashes)
        columns = np.minimum(columns, len(self._vocabulary) - 1)
        known = self._vocabulary[columns] == units.hashes
        shape = (len(units.texts) - 1, len(self._vocabulary))
        ones = np.ones(np.count_nonzero(known), np.float32)
        counts = sparse.csr_matrix((ones, (units.text_of()[known], columns[known])), shape)
        counts.sum_duplicates()
        return counts

    def _weighted(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Rows of length one."""
        weights = counts.copy()
        weights.data = (1 + np.log(counts.data)) * self._rarity[counts.indices]
        lengths = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
        scale = sparse.diags(1 / np.maximum(lengths, 1e-9), dtype=np.float32)
        return (scale @ weights).tocsr()


def _numbers(units: Units) -> list[Numbers]:
    """The different numbers of each text."""
    hashes: Hashes = np.where(units.numeric, units.hashes, np.uint64(0))
    found = []
    for start, stop in zip(units.texts[:-1], units.texts[1:], strict=True):
        different = np.unique(hashes[start:stop])
        found.append(tuple(different[different > 0].tolist()))
    return found
