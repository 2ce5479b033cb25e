"""Rows that say the same as an earlier row, exactly or nearly.

Exact: the whole texts are equal in their normal form (whole.py), prompt and completion.

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

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.data.hygiene.texts import joined_prompts
from stages.data.hygiene.units import Hashes, mixed, split
from stages.data.hygiene.whole import whole

BANDS, PER_BAND = 24, 5  # at a similarity of 0.8 a pair is proposed with probability 0.9999
LEAST_THRESHOLD = 0.7  # there a pair is still proposed with probability 0.988
DIGEST = 16  # bytes: among a billion texts, two share one with a probability of 1e-21
_SEEDS = mixed(np.arange(1, BANDS * PER_BAND + 1, dtype=np.uint64)) | np.uint64(1)


def contents(batch: pa.RecordBatch) -> list[str]:
    """What a row says: its prompt, and its completion where it has one."""
    prompts = joined_prompts(batch)
    if "completion" not in batch.schema.names:
        return prompts
    completions = batch.column("completion").to_pylist()
    return [f"{prompt}\n{done or ''}" for prompt, done in zip(prompts, completions, strict=True)]


def digest(text: str) -> bytes:
    """The same for texts that are equal in their normal form; another by all odds otherwise."""
    return hashlib.blake2b(whole(text).encode(), digest_size=DIGEST).digest()


def shingles(texts: Sequence[str], size: int) -> list[Hashes]:
    """The different shingles of each text, as sorted hashes; a short text is one shingle."""
    units = split(texts, formulas=True)
    found = []
    for start, stop in zip(units.texts[:-1], units.texts[1:], strict=True):
        one = units.hashes[start:stop]
        width = max(1, min(size, len(one)))
        runs = np.lib.stride_tricks.sliding_window_view(one, width) if len(one) else one[:0, None]
        factors = _SEEDS[:width]
        found.append(np.unique((runs * factors).sum(axis=1, dtype=np.uint64)))
    return found


def bands(shingled: Sequence[Hashes]) -> Hashes:
    """Row by row, one key for each band of the signature; equal keys propose a pair."""
    lengths = np.array([max(1, len(one)) for one in shingled])
    flat = np.concatenate([one if len(one) else np.zeros(1, np.uint64) for one in shingled])
    edges = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    keys = np.zeros((len(shingled), BANDS), np.uint64)
    for place, seed in enumerate(_SEEDS):
        least = np.minimum.reduceat(mixed(flat ^ seed), edges)
        band = place // PER_BAND
        keys[:, band] = mixed(keys[:, band] + least)
    return keys


def proposed(keys: Hashes) -> npt.NDArray[np.bool_]:
    """The rows that share a band with any other."""
    alike = np.zeros(len(keys), np.bool_)
    for band in range(keys.shape[1]):
        _, which, counts = np.unique(keys[:, band], return_inverse=True, return_counts=True)
        alike |= counts[which] > 1
    return alike


@dataclass(frozen=True)
class Candidate:
    """A proposed row: its number, shingles, bands and reference."""

    number: int
    shingles: Hashes
    bands: Hashes
    reference: str | None


def near_duplicates(
    candidates: Iterable[Candidate], threshold: float
) -> dict[int, tuple[int, float]]:
    """Row → the kept earlier row that it repeats, and their similarity."""
    kept: dict[tuple[int, int], list[Candidate]] = defaultdict(list)
    found: dict[int, tuple[int, float]] = {}
    for row in candidates:
        places = list(enumerate(row.bands.tolist()))
        others = {other.number: other for place in places for other in kept.get(place, ())}
        twin = next((t for other in others.values() if (t := _twin(row, other, threshold))), None)
        if twin:
            found[row.number] = twin
            continue
        for place in places:
            kept[place].append(row)
    return found


def jaccard(one: Hashes, other: Hashes) -> float:
    """Shared shingles among all, of two sorted sets."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    union = len(one) + len(other) - shared
    return shared / union if union else 1.0


def _twin(row: Candidate, other: Candidate, threshold: float) -> tuple[int, float] | None:
    lengths = len(row.shingles), len(other.shingles)
    if row.reference != other.reference or min(lengths) < threshold * max(lengths):
        return None
    similarity = jaccard(row.shingles, other.shingles)
    return (other.number, similarity) if similarity >= threshold else None
