"""Which rows share an n-gram with a benchmark item, and with which.

Hashes only point at candidates: a row is reported when the words of one of its n-grams equal those
of the item, so that no collision drops a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stages.hygiene.benchmarks import Benchmarks, Item
from stages.hygiene.texts import Texts, texts_of
from stages.hygiene.units import Places, Units, split, sums, windows
from stages.hygiene.whole import whole

WHOLE = 0  # shared n-grams of a match of whole texts


@dataclass(frozen=True)
class Match:
    """A row of the batch and the item it shares most with.

    shared: how many n-grams (0: the whole text); words: the first of them, or the text. also: the
    other benchmarks that the row matches, in their order.
    """

    row: int
    item: Item
    shared: int
    words: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Hits:
    """Windows of rows whose hash is a key: the row, the window's first unit, the key's place."""

    rows: Places
    firsts: Places
    keys: Places


def contaminated(batch: pa.RecordBatch, benchmarks: Benchmarks) -> list[Match]:
    """One match for each contaminated row of a batch, in order."""
    texts = texts_of(batch)
    units = split(texts.texts)
    found: dict[int, list[Match]] = defaultdict(list)
    for match in _by_words(texts, units, benchmarks):
        found[match.row].append(match)
    for match in _by_whole(texts, units, benchmarks):
        found[match.row].append(match)
    return [_best(found[row], benchmarks) for row in sorted(found)]


def _best(matches: Sequence[Match], benchmarks: Benchmarks) -> Match:
    """The match to name: a whole text, else the most shared n-grams, else the first benchmark."""
    order = list(benchmarks.contents)
    ranked = sorted(
        matches, key=lambda m: (m.shared != WHOLE, -m.shared, order.index(m.item.benchmark))
    )
    best = ranked[0]
    others = {match.item.benchmark for match in ranked} - {best.item.benchmark}
    also = tuple(name for name in order if name in others)
    return Match(best.row, best.item, best.shared, best.words, also)


def _by_words(texts: Texts, units: Units, benchmarks: Benchmarks) -> Iterator[Match]:
    """For each row and benchmark, the item that shares the most n-grams, confirmed by its words."""
    hits = _hits(texts, units, benchmarks)
    if not len(hits.rows):
        return
    by_row: dict[int, dict[int, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for row, first, key in zip(*map(np.ndarray.tolist, vars(hits).values()), strict=True):
        by_row[row][int(benchmarks.owners[key])].append((first, int(benchmarks.firsts[key])))
    for row, by_item in by_row.items():
        named: set[str] = set()
        for item, places in sorted(by_item.items(), key=lambda pair: (-len(pair[1]), pair[0])):
            name = benchmarks.items[item].benchmark
            if name in named:
                continue
            words = _confirmed(places, units, benchmarks)
            if words is not None:
                named.add(name)
                yield Match(row, benchmarks.items[item], len(places), words)


def _hits(texts: Texts, units: Units, benchmarks: Benchmarks) -> _Hits:
    rules = benchmarks.rules
    if not len(benchmarks.keys):
        return _Hits(*(np.zeros(0, np.int64) for _ in range(3)))
    hashes, firsts = windows(units, rules.ngram, rules.min_words)
    likely = np.flatnonzero(benchmarks.filter[(hashes >> benchmarks.shift).astype(np.int64)])
    low = np.searchsorted(benchmarks.keys, hashes[likely])
    held = benchmarks.keys[np.minimum(low, len(benchmarks.keys) - 1)] == hashes[likely]
    low, likely = low[held], likely[held]
    hashes, firsts = hashes[likely], firsts[likely]
    counts = np.searchsorted(benchmarks.keys, hashes, "right") - low
    steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    firsts = np.repeat(firsts, counts)
    text = np.searchsorted(units.texts, firsts, "right") - 1
    return _Hits(texts.rows[text], firsts, np.repeat(low, counts) + steps)


def _confirmed(
    places: Sequence[tuple[int, int]], units: Units, benchmarks: Benchmarks
) -> str | None:
    """The words of the first n-gram that is the same in the row and in the item."""
    size = benchmarks.rules.ngram
    for ours, theirs in places:
        words = units.words(ours, size)
        if words == benchmarks.units.words(theirs, size):
            return words
    return None


def _by_whole(texts: Texts, units: Units, benchmarks: Benchmarks) -> Iterator[Match]:
    """Prompts that are, or have a line that is, a whole item that no n-gram identifies."""
    if not benchmarks.whole:
        return
    known = benchmarks.whole_sums
    prompts = np.flatnonzero(texts.asked & np.isin(sums(units.hashes, units.texts), known))
    lines = np.flatnonzero(np.isin(sums(units.hashes, units.lines), known))
    of_lines = units.line_text[lines]
    candidates = np.union1d(prompts, of_lines[texts.asked[of_lines]])
    for text in candidates.tolist():
        row = int(texts.rows[text])
        for part in (texts.texts[text], *texts.texts[text].split("\n")):
            item = benchmarks.whole.get(whole(part))
            if item is not None:
                yield Match(row, benchmarks.items[item], WHOLE, whole(part))
                break
