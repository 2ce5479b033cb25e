"""How much two texts resemble each other, from a sketch of each.

A sketch holds the SIZE smallest hashes of a text's shingles: runs of SHINGLE words, numbers or
characters. From two of them follows the Jaccard similarity of the whole sets (Broder 1997): exact
for texts of fewer than SIZE shingles, with a standard error of at most 0.03 for longer ones. So 64
long thoughts are compared in a moment, and what must be remembered of one is 2 KiB.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from stages.rows.schemas import Row

UNITS = re.compile(r"[A-Za-z]+|\d+|[^\sA-Za-z\d]")
SHINGLE = 3
SIZE = 256

Sketch = npt.NDArray[np.uint64]

DUPLICATE, NEAR_DUPLICATE = "duplicate", "near_duplicate"


def sketch(text: str) -> Sketch:
    """The sketch of a text, sorted; one that is shorter than a shingle is one."""
    units = UNITS.findall(text)
    shingles = zip(*(units[start:] for start in range(SHINGLE)), strict=False)
    runs = list(shingles) or [(text.strip(),)]
    hashes = (blake2b("\0".join(run).encode(), digest_size=8).digest() for run in set(runs))
    return np.sort(np.frombuffer(b"".join(hashes), dtype="<u8"))[:SIZE].astype(np.uint64)


def resemblance(one: Sketch, other: Sketch) -> float:
    """Jaccard similarity of the two texts' shingles."""
    both = np.union1d(one, other)
    if max(len(one), len(other)) >= SIZE:  # a cut sketch says nothing of what is above its end
        both = both[:SIZE]
    shared = np.intersect1d(one, other, assume_unique=True)
    return int(np.isin(both, shared, assume_unique=True).sum()) / len(both)


class Different:
    """The completions of one problem that differ from each other, as they come.

    filters: `duplicate` drops a text that stood there before but for its spaces, `near_duplicate`
    one that resembles an earlier one by at least `most`.
    """

    def __init__(self, filters: Sequence[str], most: float) -> None:
        self._exact, self._near = DUPLICATE in filters, NEAR_DUPLICATE in filters
        self._most = most
        self._texts: set[int] = set()
        self._sketches: list[Sketch] = []

    def repeats(self, completion: str) -> str | None:
        """Why the completion is not new; else None, and it is remembered."""
        text = hash(" ".join(completion.split()))
        if self._exact and text in self._texts:
            return DUPLICATE
        if self._near:
            own = sketch(completion)
            if any(resemblance(own, other) >= self._most for other in self._sketches):
                return NEAR_DUPLICATE
            self._sketches.append(own)
        self._texts.add(text)
        return None


def most_diverse(rows: Sequence[Row], keep: int) -> list[Row]:
    """`keep` rows, each as unlike the ones before it as possible, from the shortest on."""
    if len(rows) <= keep:
        return list(rows)
    found = [sketch(row["completion"]) for row in rows]
    lengths = np.array([len(row["completion"]) for row in rows])
    chosen = [int(lengths.argmin())] if keep else []
    nearest = np.zeros(len(rows))
    while len(chosen) < keep:
        alike = np.array([resemblance(found[chosen[-1]], other) for other in found])
        nearest = np.maximum(nearest, alike)
        nearest[chosen] = np.inf
        chosen.append(int(nearest.argmin()))
    return [rows[index] for index in sorted(chosen)]
