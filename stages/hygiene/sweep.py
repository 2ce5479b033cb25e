"""All rows past all rules, a batch at a time: which are dropped, why, and what they matched.

Memory holds the benchmarks, a few batches, and of each row a signature of 200 bytes, none of its
text; rows whose signatures propose a duplicate are read again. The reasons stand in their order: a
row counts at the first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.threads import Executor
from stages.hygiene import duplicates
from stages.hygiene.benchmarks import Benchmarks
from stages.hygiene.contamination import Match, contaminated
from stages.hygiene.duplicates import Signatures
from stages.hygiene.paraphrases import Likeness, Paraphrases
from stages.hygiene.row_files import StageRows
from stages.hygiene.texts import joined_prompts

EXACT, NEAR, CONTAMINATED, PARAPHRASE = REASONS = (
    "exact_duplicate",
    "near_duplicate",
    "contaminated",
    "paraphrase",
)
READ = ("prompt", "completion", "chosen", "rejected", "reference", "metadata")

Progress = Callable[[int, int], None]
Found = TypeVar("Found")


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
    """What one batch gives."""

    signatures: Signatures
    matches: list[Match]
    likenesses: list[Likeness]


def sweep(
    inputs: Sequence[StageRows], checks: Checks, threads: int, progress: Progress
) -> dict[int, Drop]:
    """Row number → why it is dropped; rows are numbered through all inputs."""
    total = sum(map(len, inputs))
    shared: dict[int, Drop] = {}
    signatures = []
    number = 0
    for seen in ahead(threads, lambda batch: _look(batch, checks), _batches(inputs)):
        for likeness in seen.likenesses:
            drop = Drop(PARAPHRASE, likeness=likeness, similarity=likeness.similarity)
            shared[number + likeness.row] = drop
        for match in seen.matches:
            shared[number + match.row] = Drop(CONTAMINATED, match=match)
        signatures.append(seen.signatures)
        number += len(seen.signatures.sums)
        progress(number, total)
    if not signatures:
        return {}
    return shared | _duplicates(inputs, checks.near, Signatures.joined(signatures))


def _look(batch: pa.RecordBatch, checks: Checks) -> _Seen:
    shingle = checks.near.shingle if checks.near else None
    return _Seen(
        signatures=Signatures.of(duplicates.contents(batch), shingle),
        matches=contaminated(batch, checks.benchmarks),
        likenesses=checks.paraphrases.of(joined_prompts(batch)) if checks.paraphrases else [],
    )


def _duplicates(
    inputs: Sequence[StageRows], near: Near | None, signatures: Signatures
) -> dict[int, Drop]:
    """Duplicates among the rows whose signatures propose it; only these are read again."""
    drops: dict[int, Drop] = {}
    candidates = _not_exact(inputs, near, signatures, drops)
    if near is None:
        deque(candidates, maxlen=0)
        return drops
    found = duplicates.near_duplicates(candidates, near.threshold)
    return drops | {
        number: Drop(NEAR, other=other, similarity=similarity)
        for number, (other, similarity) in found.items()
    }


def _not_exact(
    inputs: Sequence[StageRows],
    near: Near | None,
    signatures: Signatures,
    drops: dict[int, Drop],
) -> Iterator[duplicates.Candidate]:
    """Put exact duplicates among the drops; yield the others that may be near duplicates."""
    maybe_exact, shared = signatures.maybe_exact(), signatures.shared_bands()
    maybe_near = np.any(shared, axis=1)
    first_with: dict[bytes, int] = {}
    for some in _again(inputs, maybe_exact | maybe_near):
        for number, text in zip(some.numbers, some.texts, strict=True):
            if maybe_exact[number]:
                first = first_with.setdefault(duplicates.digest(text), number)
                if first != number:
                    drops[number] = Drop(EXACT, other=first)
        if near is None:
            continue
        sets = duplicates.shingle_sets(some.texts, near.shingle)
        for number, shingles, reference in zip(some.numbers, sets, some.references, strict=True):
            if maybe_near[number] and number not in drops:
                bands = np.flatnonzero(shared[number])
                keys = signatures.bands[number, bands]
                places = list(zip(bands.tolist(), keys.tolist(), strict=True))
                yield duplicates.Candidate(number, shingles, places, reference)


@dataclass(frozen=True)
class _Some:
    """Some rows of a batch: their numbers, contents and references."""

    numbers: list[int]
    texts: list[str]
    references: list[str | None]


def _again(inputs: Sequence[StageRows], wanted: npt.NDArray[np.bool_]) -> Iterator[_Some]:
    """The wanted rows, batch by batch."""
    start = 0
    for batch in _batches(inputs):
        places = np.flatnonzero(wanted[start : start + batch.num_rows])
        some = batch.take(pa.array(places))
        held = "reference" in batch.schema.names
        references = some.column("reference").to_pylist() if held else [None] * len(places)
        yield _Some((places + start).tolist(), duplicates.contents(some), references)
        start += batch.num_rows


def _batches(inputs: Sequence[StageRows]) -> Iterator[pa.RecordBatch]:
    for rows in inputs:
        yield from rows.batches(READ)


def ahead(
    threads: int, look: Callable[[pa.RecordBatch], Found], batches: Iterable[pa.RecordBatch]
) -> Iterator[Found]:
    """Results in order, with no more batches in memory than the threads need."""
    with Executor(threads) as pool:
        waiting: deque[Future[Found]] = deque()
        for batch in batches:
            waiting.append(pool.submit(look, batch))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
