"""Rows that say the same as an earlier row, exactly or nearly.

Exact: the whole texts are equal in their normal form (whole.py), prompt and completion, or both
completions of a pair.

Near: the Jaccard similarity of their shingles (runs of units; signs and LaTeX commands are units
here) is at least the threshold. MinHash signatures in bands (Broder 1997; Leskovec et al., Mining
of Massive Datasets, 3.4) propose pairs, and the similarity itself decides. A row is compared with
the kept rows before it, so the first of a group stays, and a chain of small changes does not drop
its far end. Two rows with different references are different problems, however alike they sound.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.hygiene.texts import joined_prompts
from stages.hygiene.units import Hashes, Places, Units, mixed, split, sums
from stages.hygiene.whole import whole

SAID = ("completion", "chosen", "rejected")
BANDS, PER_BAND = 24, 5  # at a similarity of 0.8 a pair is proposed with probability 0.9999
MOST_COMPARED = 50  # rows of a band: templates put thousands there that are no near duplicates
DIGEST = 16  # bytes: among a billion texts, two share one with a probability of 1e-21
_SEEDS = mixed(np.arange(1, BANDS * PER_BAND + 1, dtype=np.uint64)) | np.uint64(1)


def contents(batch: pa.RecordBatch) -> list[str]:
    """What a row says: its prompt, and its completion or both of a pair where it has them."""
    texts = joined_prompts(batch)
    for name in SAID:
        if name in batch.schema.names:
            said = batch.column(name).to_pylist()
            texts = [f"{text}\n{one or ''}" for text, one in zip(texts, said, strict=True)]
    return texts


def digest(text: str) -> bytes:
    """The same for texts that are equal in their normal form; another by all odds otherwise."""
    return hashlib.blake2b(whole(text).encode(), digest_size=DIGEST).digest()


@dataclass(frozen=True)
class Signatures:
    """What tells that rows may be duplicates, a line for each: equal sums propose an exact one,
    an equal key in the same band a near one."""

    sums: Hashes
    bands: Hashes

    @classmethod
    def of(cls, texts: Sequence[str], shingle: int | None) -> Signatures:
        """Of some rows. Without a shingle there are no bands."""
        units = split(texts, formulas=True)
        totals = sums(units.hashes, units.texts)
        if shingle is None:
            return cls(totals, np.zeros((len(texts), 0), np.uint64))
        return cls(totals, _bands(*_shingles(units, shingle)))

    @classmethod
    def joined(cls, parts: Sequence[Signatures]) -> Signatures:
        sums_, bands = zip(*((part.sums, part.bands) for part in parts), strict=True)
        return cls(np.concatenate(sums_), np.concatenate(bands))

    def maybe_exact(self) -> npt.NDArray[np.bool_]:
        return _repeated(self.sums)

    def shared_bands(self) -> npt.NDArray[np.bool_]:
        """For each row and band, whether another row has the same key there."""
        columns = [_repeated(self.bands[:, band]) for band in range(self.bands.shape[1])]
        if not columns:
            return np.zeros(self.bands.shape, np.bool_)
        return np.stack(columns, axis=1)


def shingle_sets(texts: Sequence[str], size: int) -> list[Hashes]:
    """The different shingles of each text, as sorted hashes."""
    hashes, edges = _shingles(split(texts, formulas=True), size)
    return [np.unique(hashes[a:b]) for a, b in pairwise(edges)]


def _shingles(units: Units, size: int) -> tuple[Hashes, Places]:
    """The shingles of all texts, and where each text's begin. A text shorter than one is one."""
    counts = np.diff(units.texts)
    text = units.text_of()
    place = np.arange(len(text)) - units.texts[text]
    left = counts[text] - place
    padded = np.concatenate([units.hashes, np.zeros(size, np.uint64)])
    total = np.zeros(len(text), np.uint64)
    for step in range(size):
        total += padded[step : step + len(text)] * _SEEDS[step] * (left > step)
    starts = np.flatnonzero((left >= size) | (place == 0))
    return total[starts], np.concatenate(
        [[0], np.cumsum(np.bincount(text[starts], minlength=len(counts)))]
    )


def _bands(hashes: Hashes, edges: Places) -> Hashes:
    """The least hash under each of many orders, a few orders to a band (MinHash)."""
    keys = np.zeros((len(edges) - 1, BANDS), np.uint64)
    held = np.diff(edges) > 0
    if not held.any():
        return keys
    starts, ordered = edges[:-1][held], np.empty_like(hashes)
    for place, seed in enumerate(_SEEDS):
        np.multiply(hashes, seed, out=ordered)
        band = place // PER_BAND
        keys[held, band] = mixed(keys[held, band] + np.minimum.reduceat(ordered, starts))
    return keys


def _repeated(keys: Hashes) -> npt.NDArray[np.bool_]:
    _, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
    repeated: npt.NDArray[np.bool_] = counts[which] > 1
    return repeated


@dataclass(frozen=True)
class Candidate:
    """A row that may be a near duplicate. places: the bands that it shares, and its keys there."""

    number: int
    shingles: Hashes
    places: list[tuple[int, int]]
    reference: str | None


def near_duplicates(
    candidates: Iterable[Candidate], threshold: float
) -> dict[int, tuple[int, float]]:
    """Row → the kept earlier row that it repeats, and their similarity."""
    kept: dict[tuple[tuple[int, int], str | None], list[Candidate]] = defaultdict(list)
    found: dict[int, tuple[int, float]] = {}
    for row in candidates:
        places = [(place, row.reference) for place in row.places]
        others = {other.number: other for place in places for other in kept.get(place, ())}
        twin = next((t for other in others.values() if (t := _twin(row, other, threshold))), None)
        if twin:
            found[row.number] = twin
            continue
        for place in places:
            if len(kept[place]) < MOST_COMPARED:
                kept[place].append(row)
    return found


def jaccard(one: Hashes, other: Hashes) -> float:
    """Shared shingles among all, of two sorted sets; 0 where there are none."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    union = len(one) + len(other) - shared
    return shared / union if union else 0.0


def _twin(row: Candidate, other: Candidate, threshold: float) -> tuple[int, float] | None:
    lengths = len(row.shingles), len(other.shingles)
    if min(lengths) < threshold * max(lengths):
        return None
    similarity = jaccard(row.shingles, other.shingles)
    return (other.number, similarity) if similarity >= threshold else None
