"""Where the rows and weights come from that a stage brings in itself, in words. No torch here.

Whether a path is a file, a folder or a name on the hub is seen by looking for it, as stages do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.rows.places import not_there

TINY = "the tiny world"


def rows(path: str, subset: Any, split: str, limit: int | None) -> str:
    words = place(path)
    if not _local(path).exists():
        configurations = [subset] if isinstance(subset, str) else list(subset or ())
        words += f" ({', '.join([*configurations, f'split {split}'])})"
    return words + (f", the first {limit:,} rows" if limit else "")


def place(path: str) -> str:
    """`file X`, `folder X`, or `X on the Hugging Face hub`; what is neither is not there."""
    local = _local(path)
    if local.is_dir():
        return f"folder {path}"
    if local.exists():
        return f"file {path}"
    return f"{path}, which is not there" if not_there(path) else f"{path} on the Hugging Face hub"


def _local(path: str) -> Path:
    return Path(path).expanduser()
