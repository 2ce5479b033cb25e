"""Where rows may come from: a file by its ending, a folder of such files, or a hub name.

Nothing here reads rows or imports what does, so that composing can ask whether a file is there.
"""

from __future__ import annotations

import re
from pathlib import Path

FILE_ENDINGS = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
GZIP = ".gz"
HUB_NAME = re.compile(r"\w[\w.-]*(/[\w.-]+)?")  # a path of this machine has another shape


def ending_of(path: Path) -> str:
    """`.jsonl` of `rows.jsonl` and of `rows.jsonl.gz`."""
    return Path(path.stem).suffix if path.suffix == GZIP else path.suffix


def stem_of(path: Path) -> str:
    """`rows` of `rows.jsonl` and of `rows.jsonl.gz`."""
    return path.name.removesuffix(GZIP).removesuffix(ending_of(path))


def files_in(folder: Path) -> list[Path]:
    """The files of rows that stand in a folder, by name."""
    return sorted(path for path in folder.iterdir() if ending_of(path) in FILE_ENDINGS)


def not_there(path: str) -> str | None:
    """What is wrong with a path that must be a file, a folder or a hub name; None: nothing.

    A hub name is not looked up.
    """
    local = Path(path).expanduser()
    if local.is_dir():
        return None if files_in(local) else f"no {', '.join(FILE_ENDINGS)} in it"
    if local.exists():
        return None
    if ending_of(local) in FILE_ENDINGS or not HUB_NAME.fullmatch(path):
        return no_such_file()
    return None


def no_such_file() -> str:
    return f"there is no such file (looked from {Path.cwd()})"
