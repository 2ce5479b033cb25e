"""Where the rows of a real data set come from, and how they become problems.

A source is a local file (stages/data/files.py), a folder of such files, or a hub name with one
configuration or several; `formats` has a reader for each data set. Its parts are numbered each by
itself, so that a row's id says where it stands: `bbh-word_sorting-000003`.

A row that cannot be read stops the stage with its number: a benchmark that silently lost rows is
another benchmark. Rows that do not belong to what was asked for (another split or subject of the
same file) and rows without a reference, where the config lets them go, are counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pipeline.errors import RecipeError, UsageError
from stages.configs import DatasetConfig
from stages.data.files import (
    FILE_ENDINGS,
    BadRow,
    Numbered,
    Raw,
    ending_of,
    located,
    rows_of_file,
    stem_of,
)
from stages.data.preference import stamped
from stages.data.rows import Row

__all__ = ["BadRow", "Raw", "rows_of_file"]  # read through here by other readers of rows

Parsed = TypeVar("Parsed")
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
ERROR, DROP, KEEP = "error", "drop", "keep"
#: Verifiers that judge by the row's metadata; a reference is only an example of an answer.
BY_METADATA = frozenset({"code", "instruction"})


class Source(Protocol):
    """The keys of a stage's config that say where rows come from."""

    path: str
    subset: Any
    split: str


class OtherRow(Exception):
    """The row belongs to another benchmark or split in the same file; its text is the count."""


@dataclass(frozen=True)
class Origin:
    """Where a row stands: the file's stem or the hub configuration, and the split asked for."""

    part: str
    split: str


@dataclass(frozen=True)
class Format:
    """How one data set's rows become problems. `columns` name those of a file without a header."""

    parse: Callable[[Raw, Origin], Row]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One file or hub configuration. `label` stands in the ids, `where` in messages."""

    name: str
    label: str
    where: str
    rows: Numbered


def open_source(config: Source, format_: Format, key: str) -> list[Part]:
    """The parts of what `path` names; nothing is read yet. `key` is the stage's, for messages."""
    local = Path(config.path).expanduser()
    if local.is_file():
        return [_local(local, format_)]
    if local.is_dir():
        files = sorted(p for p in local.iterdir() if ending_of(p) in FILE_ENDINGS)
        if not files:
            raise UsageError(f"{key}.path={config.path}: no {', '.join(FILE_ENDINGS)} in it")
        return [_local(file, format_) for file in files]
    if ending_of(local) in FILE_ENDINGS or not HUB_NAME.fullmatch(config.path):
        raise UsageError(missing_file(f"{key}.path", config.path))
    return [_hub_part(config, subset, key) for subset in subsets_of(config, key)]


def subsets_of(config: Source, key: str) -> list[str | None]:
    """The hub configurations asked for; [None] where the data set has only one."""
    subsets = config.subset if isinstance(config.subset, list | tuple) else [config.subset]
    if not subsets or not all(isinstance(one, str | None) for one in subsets):
        raise UsageError(f"{key}.subset={config.subset}: expected a name or a list of names")
    return list(subsets)


def read_problems(
    parts: Iterable[Part], format_: Format, config: DatasetConfig, counts: Counter[str]
) -> Iterator[Row]:
    """Problem rows, and in `counts` how many were read and why any was left out."""
    for part in parts:
        origin = Origin(part.name, config.split)
        for number, raw in part.rows:
            counts["read"] += 1
            try:
                problem = located(part.where, number, format_.parse, raw, origin)
            except OtherRow as other:
                counts[str(other)] += 1
                continue
            if not located(part.where, number, _wanted, problem, config.without_reference):
                counts["without_reference"] += 1
                continue
            id_ = f"{config.format}-{part.label}-{number:06d}"
            given = {"language": config.language, "metadata": "{}", "source": config.format}
            row = {"id": id_, **given, **problem}
            if config.preference:
                row["metadata"] = located(
                    part.where, number, stamped, row["metadata"], config.preference
                )
            yield row


def _wanted(problem: Row, without_reference: str) -> bool:
    """Whether the row is kept: without what its verifier compares with, only where allowed."""
    if problem["reference"] is not None or problem["verifier"] in BY_METADATA:
        return True
    if without_reference == ERROR:
        raise BadRow(
            "no reference answer; set without_reference=drop to leave such rows out, or keep to "
            "have them without one (nothing can judge them: for labels by majority vote)"
        )
    return without_reference == KEEP


def read_own_rows(path: Path, key: str, parse: Callable[[int, Raw], Parsed]) -> Iterator[Parsed]:
    """Rows of a user's own file; `key` is the config key that named it."""
    if not path.is_file():
        raise UsageError(missing_file(key, path))
    for number, row in rows_of_file(path):
        yield located(path, number, parse, number, row)


def missing_file(key: str, path: Any) -> str:
    return f"{key}={path}: there is no such file (looked from {Path.cwd()})"


def _local(path: Path, format_: Format) -> Part:
    name = stem_of(path)
    return Part(name, name, str(path), rows_of_file(path, format_.columns))


def _hub_part(config: Source, subset: str | None, key: str) -> Part:
    label = "-".join(filter(None, (subset, config.split)))
    asked = "/".join(filter(None, (config.path, subset, config.split)))
    return Part(subset or "", label, asked, _hub(config, subset, asked, f"{key}.path"))


def _hub(config: Source, subset: str | None, asked: str, key: str) -> Numbered:
    """A split of a hub data set. Only this needs the network."""
    from datasets import load_dataset

    try:
        rows = load_dataset(config.path, subset, split=config.split)
    except Exception as error:  # offline, unknown name, subset or split: each its own type
        reason = str(error).strip().splitlines() or [""]
        raise RecipeError(
            f"{key}={config.path}: cannot load {asked} from the Hugging Face hub "
            f"({type(error).__name__}: {reason[0]}).\n"
            f"Without a network, give a local file: {key}=FILE.jsonl"
        ) from error
    yield from enumerate(rows, start=1)


def splits_of(split: str) -> Sequence[str]:
    """The names in a hub split such as `train+test[:10]`."""
    return [re.sub(r"\[.*", "", name) for name in split.split("+")]
