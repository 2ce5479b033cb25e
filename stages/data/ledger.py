"""Every completion that was drawn for one model under one way of sampling, kept for reuse.

A completion is named by its prompt and its seed, and both follow from what was asked alone (see
`seed_of`). So the ledger is two things at once: the checkpoint of a stage that is killed while it
samples, and the reason why no sample is drawn twice: 16 samples a problem after 4 draw 12 more,
500 problems after 200 draw 300 more, in whatever stage or run.

    <beside the model>/samples/<digest of the settings>/settings.json
                                                       /<random name>.parquet      one shard each

A shard appears whole (written aside and renamed) and is never changed. Only its names (prompt and
seed) are held in memory, 32 bytes a completion; the rest is read when it is asked for. Verdicts are
not kept: judging is cheap, and its rules may change while the samples stay. Two stages that sample
the same model at the same moment may both draw a completion; the two are equal.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.configs import Sampling

SETTINGS = "settings.json"
MOST_SAMPLES = 2**14  # of one problem
SPACING = 2**10 * MOST_SAMPLES  # of the seeds of two prompts: room for as many equal ones
_SEEDS = 2**62  # a seed and what engines add to it must fit a signed 64-bit number
_OPEN_SHARDS = 4

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
            _write_whole(self.folder / SETTINGS, settings.encode() + b"\n")
        self._index = _Index.of(self.folder)

    def sampling_as(self, sampling: Sampling) -> Ledger:
        """The same model's completions under another way of sampling."""
        return Ledger(self._beside_model, self._engine, sampling)

    def find(self, names: Iterable[Name]) -> dict[Name, tuple[int, int]]:
        """Where each of the named completions lies (shard and row); those not drawn are absent."""
        places = ((name, self._index.place(name)) for name in names)
        return {name: place for name, place in places if place is not None}

    def read(self, places: dict[Name, tuple[int, int]]) -> dict[Name, Drawn]:
        """The completions at these places."""
        by_shard: dict[int, list[tuple[Name, int]]] = {}
        for name, (shard, row) in places.items():
            by_shard.setdefault(shard, []).append((name, row))
        found: dict[Name, Drawn] = {}
        for shard, wanted in by_shard.items():
            table = _open(self._index.shards[shard]).take([row for _, row in wanted])
            for (name, _), row in zip(wanted, table.to_pylist(), strict=True):
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
        path = self.folder / f"{uuid.uuid4().hex}.parquet"
        aside = path.with_suffix(".tmp")
        pq.write_table(pa.Table.from_pylist(rows, DRAWN), aside)
        aside.replace(path)


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
        shards, columns = [], []
        for path in sorted(folder.glob("*.parquet")):
            try:
                table = pq.read_table(path, columns=["prompt", "seed"])
            except (pa.ArrowInvalid, OSError):  # torn by a power cut: its samples are drawn again
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
def _open(shard: Path) -> pa.Table:
    return pq.read_table(shard)


def _integer(data: bytes) -> int:
    """A hash as a positive number below 2**62."""
    digest = hashlib.blake2b(data, digest_size=8).digest()
    return int.from_bytes(digest, "big") % _SEEDS


def _write_whole(path: Path, data: bytes) -> None:
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    aside.write_bytes(data)
    aside.replace(path)
