"""Rows as the files that sets of the hub have."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Raw = dict[str, Any]
Files = dict[str, bytes]


def jsonl(rows: Sequence[Raw]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def zipped(rows: Sequence[Raw]) -> bytes:
    return gzip.compress(jsonl(rows), mtime=0)


def parquet(rows: Sequence[Raw]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file.getvalue()


def shards(rows: Sequence[Raw], split: str = "train") -> Files:
    """One split in two files, as large sets have it, and no card."""
    half = len(rows) // 2
    parts = (rows[:half], rows[half:])
    return {f"data/{split}-{n:05d}-of-00002.parquet": parquet(p) for n, p in enumerate(parts)}


def configured(subsets: Mapping[str, Sequence[Raw]], split: str) -> Files:
    """Configurations, each with a split, as the card says."""
    card = ["---", "configs:"]
    for name in subsets:
        card += [f"- config_name: {name}", "  data_files:"]
        card += [f"  - split: {split}", f"    path: {name}/{split}-*"]
    files = {f"{name}/{split}-0.parquet": parquet(rows) for name, rows in subsets.items()}
    return files | {"README.md": "\n".join([*card, "---", ""]).encode()}
