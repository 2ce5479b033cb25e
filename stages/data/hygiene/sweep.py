"""All rows past all rules, a batch at a time: which are dropped, why, and what they matched.

Memory holds the benchmarks, a few batches, and for each row its digest, its signature for near
duplicates and nothing of its text. The reasons in their order: a row counts at the first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stages.data.hygiene import duplicates
from stages.data.hygiene.benchmarks import Benchmarks
from stages.data.hygiene.contamination import Match, contaminated
from stages.data.hygiene.paraphrases import Likeness, Paraphrases
from stages.data.hygiene.rows import StageRows
from stages.data.hygiene.texts import joined_prompts
from stages.data.hygiene.units import Hashes

EXACT, NEAR, CONTAMINATED, PARAPHRASE = REASONS = (
    "exact_duplicate",
    "near_duplicate",
    "contaminated",
    "paraphrase",
)
READ = ("prompt", "completion", "reference", "metadata")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Near:
    """How near duplicates are found: the units in a shingle, the least Jaccard similarity."""

    shingle: int
    threshold: float


@dataclass(frozen=True)
class Checks:
    """What rows are checked for; None leaves a check out."""

    benchmarks: Benchmarks
    near: Near | None
    paraphrases: Paraphrases | None


@dataclass(frozen=True)
class Drop:
    """Why a row is dropped. other: the number of the earlier row that a duplicate repeats."""

    reason: str
    other: int | None = None
    match: Match | None = None
    likeness: Likeness | None = None
    similarity: float | None = None


@dataclass(frozen=True)
class _Seen:
    """What one batch gives: its texts' digests, matches, likenesses and signatures."""

    digests: list[bytes]
    matches: list[Match]
    likenesses: list[Likeness]
    bands: Hashes


def sweep(
    inputs: Sequence[StageRows], checks: Checks, threads: int, progress: Progress
) -> dict[int, Drop]:
    """Row number → why it is dropped; rows are numbered through all inputs."""
    total = sum(map(len, inputs))
    drops: dict[int, Drop] = {}
    weaker: dict[int, Drop] = {}
    first_with: dict[bytes, int] = {}
    bands = []
    number = 0
    for seen in _ahead(threads, lambda batch: _look(batch, checks), _batches(inputs)):
        for place, digest in enumerate(seen.digests):
            first = first_with.setdefault(digest, number + place)
            if first != number + place:
                drops[number + place] = Drop(EXACT, other=first)
        for likeness in seen.likenesses:
            weaker[number + likeness.row] = Drop(
                PARAPHRASE, likeness=likeness, similarity=likeness.similarity
            )
        for match in seen.matches:
            weaker[number + match.row] = Drop(CONTAMINATED, match=match)
        bands.append(seen.bands)
        number += len(seen.digests)
        progress(number, total)
    first_with.clear()
    if checks.near and number:
        drops |= _near(inputs, checks.near, np.concatenate(bands), drops)
    return weaker | drops


def _look(batch: pa.RecordBatch, checks: Checks) -> _Seen:
    said = duplicates.contents(batch)
    likenesses = checks.paraphrases.of(joined_prompts(batch)) if checks.paraphrases else []
    bands = np.zeros((len(said), 0), np.uint64)
    if checks.near:
        bands = duplicates.bands(duplicates.shingles(said, checks.near.shingle))
    return _Seen(
        digests=[duplicates.digest(text) for text in said],
        matches=contaminated(batch, checks.benchmarks),
        likenesses=likenesses,
        bands=bands,
    )


def _near(
    inputs: Sequence[StageRows], near: Near, bands: Hashes, exact: dict[int, Drop]
) -> dict[int, Drop]:
    """Near duplicates among the rows whose signatures propose it; only these are read again."""
    wanted = duplicates.proposed(bands)
    wanted[list(exact)] = False
    candidates = _candidates(_batches(inputs), near.shingle, wanted, bands)
    return {
        number: Drop(NEAR, other=other, similarity=similarity)
        for number, (other, similarity) in duplicates.near_duplicates(
            candidates, near.threshold
        ).items()
    }


def _candidates(
    batches: Iterable[pa.RecordBatch], shingle: int, wanted: np.ndarray, bands: Hashes
) -> Iterator[duplicates.Candidate]:
    number = 0
    for batch in batches:
        places = np.flatnonzero(wanted[number : number + batch.num_rows])
        if len(places):
            some = batch.take(pa.array(places))
            shingled = duplicates.shingles(duplicates.contents(some), shingle)
            held = "reference" in batch.schema.names
            references = some.column("reference").to_pylist() if held else [None] * len(places)
            for place, one, reference in zip(places.tolist(), shingled, references, strict=True):
                yield duplicates.Candidate(number + place, one, bands[number + place], reference)
        number += batch.num_rows


def _batches(inputs: Sequence[StageRows]) -> Iterator[pa.RecordBatch]:
    for rows in inputs:
        yield from rows.batches(READ)


def _ahead(
    threads: int, look: Callable[[pa.RecordBatch], _Seen], batches: Iterable[pa.RecordBatch]
) -> Iterator[_Seen]:
    """Results in order, with no more batches in memory than the threads need."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[_Seen]] = deque()
        for batch in batches:
            waiting.append(pool.submit(look, batch))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
