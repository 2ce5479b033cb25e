"""The n-grams that identify the items of benchmarks, ready to be looked up by the million.

An n-gram that stands in many items of a benchmark (its instructions, its template) identifies none
of them: what more than `boilerplate_items` items of one benchmark hold is left out. An item whose
prompt keeps no n-gram, because it is short or all template, is found as a whole text (whole.py), or
as a whole line of a prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.hygiene.texts import texts_of
from stages.hygiene.units import Hashes, Places, Units, split, sums, windows
from stages.hygiene.whole import whole

FILTER_BITS_PER_KEY = 16  # one slot in 16 taken: so many lookups in vain


@dataclass(frozen=True)
class Rules:
    """What counts as a shared n-gram; the numbers are in conf/stage/_clean.yaml."""

    ngram: int
    min_words: int
    boilerplate_items: int


@dataclass(frozen=True)
class Item:
    """One item of a benchmark."""

    benchmark: str
    id: str


@dataclass
class Contents:
    """What of a benchmark can be found, for the report."""

    items: int = 0
    ngrams: int = 0
    boilerplate: int = 0  # different n-grams left out
    whole_only: int = 0  # items without an n-gram of their own in the prompt


@dataclass(frozen=True)
class Benchmarks:
    """keys: sorted hashes of n-grams; firsts: where each begins in `units`; items: whose it is.

    whole: the normal form of short items → item number; whole_sums: their units' sums, sorted.
    filter: for a hash's first bits, whether any key has them.
    """

    rules: Rules
    items: Sequence[Item]
    units: Units
    keys: Hashes
    firsts: Places
    owners: Places
    filter: npt.NDArray[np.bool_]
    whole: dict[str, int]
    whole_sums: Hashes
    contents: dict[str, Contents] = field(default_factory=dict)

    @property
    def shift(self) -> np.uint64:
        return np.uint64(64 - (len(self.filter).bit_length() - 1))


@dataclass
class _Collected:
    """The items and texts of all benchmarks: asked says which texts are prompts."""

    items: list[Item] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    asked: list[bool] = field(default_factory=list)

    def add(self, benchmark: str, batch: pa.RecordBatch) -> None:
        first = len(self.items)
        self.items += [Item(benchmark, id_) for id_ in batch.column("id").to_pylist()]
        found = texts_of(batch)
        self.texts += found.texts
        self.owners += (found.rows + first).tolist()
        self.asked += found.asked.tolist()


def index(benchmarks: Iterable[tuple[str, Iterable[pa.RecordBatch]]], rules: Rules) -> Benchmarks:
    """The index of named benchmarks, each given as batches of problem rows."""
    all_ = _Collected()
    contents: dict[str, Contents] = {}
    for name, batches in benchmarks:
        before = len(all_.items)
        for batch in batches:
            all_.add(name, batch)
        contents[name] = Contents(items=len(all_.items) - before)
    units = split(all_.texts)
    keys, firsts = windows(units, rules.ngram, rules.min_words)
    owners = np.array(all_.owners, np.int64)[units.text_of()[firsts]] if len(firsts) else firsts
    keys, firsts, owners = _without_boilerplate(keys, firsts, owners, all_.items, contents, rules)
    short, whole_sums = _whole_only(all_, units, firsts, contents)
    return Benchmarks(
        rules=rules,
        items=all_.items,
        units=units,
        keys=keys,
        firsts=firsts,
        owners=owners,
        filter=_filter(keys),
        whole=short,
        whole_sums=whole_sums,
        contents=contents,
    )


def _without_boilerplate(
    keys: Hashes,
    firsts: Places,
    owners: Places,
    items: Sequence[Item],
    contents: dict[str, Contents],
    rules: Rules,
) -> tuple[Hashes, Places, Places]:
    """The n-grams that identify, each once per item, sorted by hash."""
    order = np.lexsort((firsts, owners, keys))
    keys, firsts, owners = keys[order], firsts[order], owners[order]
    new = np.ones(len(keys), np.bool_)
    new[1:] = (keys[1:] != keys[:-1]) | (owners[1:] != owners[:-1])
    keys, firsts, owners = keys[new], firsts[new], owners[new]
    numbers = {name: number for number, name in enumerate(contents)}
    of_item = np.array([numbers[item.benchmark] for item in items], np.int64)
    kept = np.ones(len(keys), np.bool_)
    for name, number in numbers.items():
        facts = contents[name]
        places = np.flatnonzero(of_item[owners] == number)
        _, which, holders = np.unique(keys[places], return_inverse=True, return_counts=True)
        identifies = holders <= rules.boilerplate_items
        facts.ngrams = int(np.count_nonzero(identifies))
        facts.boilerplate = len(holders) - facts.ngrams
        kept[places] = identifies[which]
    return keys[kept], firsts[kept], owners[kept]


def _whole_only(
    all_: _Collected, units: Units, firsts: Places, contents: dict[str, Contents]
) -> tuple[dict[str, int], Hashes]:
    """The prompts that no n-gram identifies: their normal forms, and sums of their units."""
    asked = np.array(all_.asked, np.bool_)
    identified = np.zeros(len(asked), np.bool_)
    identified[units.text_of()[firsts]] = True
    places = np.flatnonzero(asked & ~identified)
    short: dict[str, int] = {}
    for place in places:
        owner = all_.owners[place]
        short.setdefault(whole(all_.texts[place]), owner)
        contents[all_.items[owner].benchmark].whole_only += 1
    return short, np.unique(sums(units.hashes, units.texts)[places])


def _filter(keys: Hashes) -> npt.NDArray[np.bool_]:
    bits = max(16, (FILTER_BITS_PER_KEY * len(keys)).bit_length())
    table = np.zeros(1 << bits, np.bool_)
    table[(keys >> np.uint64(64 - bits)).astype(np.int64)] = True
    return table
