"""Every completion that was drawn for one model under one way of sampling, kept for reuse.

A completion is named by its prompt and its seed, and both follow from what was asked alone (see
`seed_of`). So the ledger is two things at once: the checkpoint of a stage that is killed while it
samples, and the reason why no sample is drawn twice: 16 samples a problem after 4 draw 12 more,
500 problems after 200 draw 300 more, in whatever stage or run.

    <beside the model>/samples/<digest of the settings>/settings.json
                                                       /<SHA-256>.parquet          one shard each

A shard appears whole (written aside and renamed), is never changed, and is named by its content:
one that is not what its name says is put aside and counts as not drawn, whenever it is read. So do
shards with other names, from before names were checked: nobody can tell whether they are whole.

Only the names of completions (prompt and seed) are held in memory, 32 bytes each; the rest is read
when it is asked for. Verdicts are not kept: judging is cheap, and its rules may change while the
samples stay. Two stages that sample the same model at the same moment may both draw a completion;
the two are equal.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import notices, state
from stages.settings.generation import Sampling

SETTINGS = "settings.json"
CORRUPT = ".corrupt"  # added to the name of a shard that is put aside
MOST_SAMPLES = 2**14  # of one problem
SPACING = 2**10 * MOST_SAMPLES  # of the seeds of two prompts: room for as many equal ones
_SEEDS = 2**62  # a seed and what engines add to it must fit a signed 64-bit number
_OPEN_SHARDS = 4
_CHECKED = re.compile(r"[0-9a-f]{64}\.parquet")  # a shard whose name can be held against it

DRAWN = pa.schema(
    [
        ("prompt", pa.int64()),  # key_of(its tokens)
        ("seed", pa.int64()),
        ("token_ids", pa.list_(pa.int32())),  # what was sampled, the end token included
        ("text", pa.string()),
        ("finish_reason", pa.string()),
    ]
)

Name = tuple[int, int]  # of a completion: the key of its prompt, its seed


@dataclass(frozen=True)
class Drawn:
    """A completion as the ledger keeps it; see stages/rollout/engine.py for what its fields say."""

    token_ids: list[int]
    text: str
    finish_reason: str


def key_of(prompt_ids: Sequence[int], prefix_ids: Sequence[int] = ()) -> int:
    """64 bits that stand for a prompt and what its completions begin with."""
    tokens = [np.asarray(ids, dtype=np.int64).tobytes() for ids in (prompt_ids, prefix_ids)]
    sizes = f"{len(prompt_ids)},{len(prefix_ids)}:".encode()
    return _integer(sizes + b"".join(tokens))


def seed_of(stage_seed: int, key: int, sample: int) -> int:
    """The seed of a prompt's sample: no other prompt, limit or number of samples moves it."""
    first = _integer(f"{stage_seed}:{key}".encode()) % (_SEEDS // SPACING) * SPACING
    return first + sample


class Ledger:
    """The completions of one model under one way of sampling."""

    def __init__(self, beside_model: Path, engine: str, sampling: Sampling) -> None:
        self._beside_model, self._engine = beside_model, engine
        settings = json.dumps({"engine": engine, **dataclasses.asdict(sampling)}, sort_keys=True)
        digest = hashlib.sha256(settings.encode()).hexdigest()[:16]
        self.folder = beside_model / "samples" / digest
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / SETTINGS).exists():
            state.replace(self.folder / SETTINGS, settings.encode() + b"\n")
        self._index = _Index.of(self.folder)

    def sampling_as(self, sampling: Sampling) -> Ledger:
        """The same model's completions under another way of sampling."""
        return Ledger(self._beside_model, self._engine, sampling)

    def find(self, names: Iterable[Name]) -> dict[Name, tuple[int, int]]:
        """Where each of the named completions lies (shard and row); those not drawn are absent."""
        places = ((name, self._index.place(name)) for name in names)
        return {name: place for name, place in places if place is not None}

    def read(self, places: dict[Name, tuple[int, int]]) -> dict[Name, Drawn]:
        """The completions at these places; those of a shard that has gone bad are absent."""
        by_shard: dict[int, list[tuple[Name, int]]] = {}
        for name, (shard, row) in places.items():
            by_shard.setdefault(shard, []).append((name, row))
        found: dict[Name, Drawn] = {}
        for shard, wanted in by_shard.items():
            table = _open(self._index.shards[shard])
            if table is None:
                continue
            rows = table.take([row for _, row in wanted]).to_pylist()
            for (name, _), row in zip(wanted, rows, strict=True):
                found[name] = Drawn(row["token_ids"], row["text"], row["finish_reason"])
        return found

    def append(self, drawn: dict[Name, Drawn]) -> None:
        """Keep a shard of new completions; it is there whole or not at all."""
        if not drawn:
            return
        rows = [
            {"prompt": prompt, "seed": seed, **vars(completion)}
            for (prompt, seed), completion in drawn.items()
        ]
        buffer = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows, DRAWN), buffer)
        shard = buffer.getvalue().to_pybytes()
        state.replace(self.folder / _name_of(shard), shard)


@dataclass(frozen=True)
class _Index:
    """Names and places in order of prompt and seed; N completions.

    prompts_N, seeds_N: the names. shards_N, rows_N: where the completion of that name lies.
    """

    shards: list[Path]
    prompts_N: np.ndarray
    seeds_N: np.ndarray
    shards_N: np.ndarray
    rows_N: np.ndarray

    @classmethod
    def of(cls, folder: Path) -> _Index:
        shards: list[Path] = []
        columns: list[tuple[np.ndarray, ...]] = []
        for path in _shards_of(folder):
            table = _verified(path, ["prompt", "seed"])
            if table is None:
                continue
            prompts, seeds = (table[name].to_numpy() for name in ("prompt", "seed"))
            columns.append(
                (prompts, seeds, np.full(len(table), len(shards)), np.arange(len(table)))
            )
            shards.append(path)
        if not columns:
            return cls([], *(np.zeros(0, dtype=np.int64) for _ in range(4)))
        joined = [np.concatenate(column) for column in zip(*columns, strict=True)]
        order = np.lexsort((joined[1], joined[0]))
        return cls(shards, *(column[order] for column in joined))

    def place(self, name: Name) -> tuple[int, int] | None:
        prompt, seed = name
        start, stop = np.searchsorted(self.prompts_N, [prompt, prompt + 1])
        at = start + np.searchsorted(self.seeds_N[start:stop], seed)
        if at == stop or self.seeds_N[at] != seed:
            return None
        return int(self.shards_N[at]), int(self.rows_N[at])


@lru_cache(maxsize=_OPEN_SHARDS)
def _open(shard: Path) -> pa.Table | None:
    return _verified(shard)


def _shards_of(folder: Path) -> list[Path]:
    """The shards whose content can be checked, in order of their names."""
    found = sorted(folder.glob("*.parquet"))
    checked = [path for path in found if _CHECKED.fullmatch(path.name)]
    if unchecked := len(found) - len(checked):
        notices.warn(
            f"{unchecked} of {len(found)} files of samples in {folder} carry no checksum in their "
            "name: what they hold is drawn again. They can be deleted"
        )
    return checked


def _verified(shard: Path, columns: list[str] | None = None) -> pa.Table | None:
    """A shard that is what its name says; None for another one, which is put aside."""
    try:
        content = shard.read_bytes()
    except OSError as error:
        notices.warn(f"samples that cannot be read are drawn again: {error}")
        return None
    if shard.name == _name_of(content):
        return pq.read_table(pa.BufferReader(content), columns=columns)
    notices.warn(f"{shard} was changed after it was written: its samples are drawn again")
    with contextlib.suppress(OSError):
        shard.replace(shard.with_name(shard.name + CORRUPT))
    return None


def _name_of(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}.parquet"


def _integer(data: bytes) -> int:
    """A hash as a positive number below 2**62."""
    digest = hashlib.blake2b(data, digest_size=8).digest()
    return int.from_bytes(digest, "big") % _SEEDS
