"""Where the rows of a real data set come from, and how they become problems.

A source is a local file (stages/rows/files.py), a folder of such files, or a hub name with one
configuration or several; `formats` has a reader for each data set. Its parts are numbered each by
itself, so that a row's id says where it stands: `bbh-word_sorting-000003`.

A row of a benchmark that cannot be read stops the stage with its number: a benchmark that lost rows
is another benchmark. Of a user's own rows a broken one (no JSON, no text, half a line) is left out,
named and counted, as is one of another kind than its format reads; and what is meant otherwise than
it can be (an unknown verifier) stops the stage. Rows that do not belong to what was asked for
(another split or subject of the same file, or not what `where` asks) and rows without a reference,
where the config lets them go, are counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.errors import UsageError
from stages.language.consistency import target_of
from stages.rows.files import BadRow, BrokenRow, Raw, UnfitRow, attempt, located, rows_of_file
from stages.rows.left_out import UNFIT, UNREADABLE, LeftOut
from stages.rows.parts import Part, Source
from stages.rows.places import files_in, no_such_file, not_there, stem_of
from stages.rows.query_kind import stamped
from stages.rows.schemas import Row
from stages.rows.where import OTHERWISE, asked_for
from stages.settings.code_tests import CodeTests

if TYPE_CHECKING:
    from stages.kinds.dataset.kind import DatasetConfig

#: Read through here by other readers of rows.
__all__ = ["BadRow", "Part", "Raw", "Source", "rows_of_file"]

Parsed = TypeVar("Parsed")
ENGLISH = "en"  # of prompts without a word
ERROR, DROP, KEEP = "error", "drop", "keep"
#: Verifiers that judge by the row's metadata; a reference is only an example of an answer.
BY_METADATA = frozenset({"code", "instruction"})
NOBODY = ""  # the verifier of a general query that reward models alone judge
REFERENCE = "reference"
#: What people call the column of references.
LIKELY = (
    "gold", "answer", "expected_answer", "ground_truth", "target", "label", "solution",
    "final_answer", "gt", "output",
)  # fmt: skip
WITHOUT = (
    ". Or set without_reference=drop to leave such rows out, or keep to have them without one "
    "(nothing can judge them: for labels by majority vote)"
)


class OtherRow(Exception):
    """The row belongs to another benchmark or split in the same file; its text is the count."""


@dataclass(frozen=True)
class Origin:
    """Where a row stands: the file's stem or the hub configuration, and the split asked for.

    preference, columns, domain, verifier: what its stage says of all its rows. source: the set.
    tests: how much of programs' tests is kept.
    """

    part: str
    split: str
    preference: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    domain: str | None = None
    verifier: str | None = None
    source: str = "file"
    tests: CodeTests = field(default_factory=CodeTests)


@dataclass(frozen=True)
class Format:
    """How one data set's rows become problems. `columns` name those of a file without a header.

    whole: a row that cannot be read stops the stage, as of a benchmark; else it is left out.
    """

    parse: Callable[[Raw, Origin], Row]
    columns: tuple[str, ...] = ()
    whole: bool = True


#: Rows as they stand, for kinds that find out by themselves what is in them.
AS_IT_IS = Format(lambda row, origin: dict(row))


def open_source(config: Source, format_: Format, key: str, look: bool = False) -> list[Part]:
    """The parts of what `path` names; no row is read yet, and of the hub only the list of files.

    key: the stage's, for messages. look: only the first rows will be read (hub_parts.py).
    """
    local = Path(config.path).expanduser()
    if (wrong := not_there(config.path)) is not None:
        raise UsageError(f"{key}.path={config.path}: {wrong}")
    if local.is_file():
        return [_local(local, format_)]
    if local.is_dir():
        return [_local(file, format_) for file in files_in(local)]
    from stages.rows.hub_parts import hub_parts  # httpx and huggingface_hub take their time

    return hub_parts(config, format_.columns, key, look)


def read_problems(
    parts: Iterable[Part],
    format_: Format,
    config: DatasetConfig,
    counts: Counter[str],
    left_out: LeftOut | None = None,
) -> Iterator[Row]:
    """Problem rows, and how many were read and why any was left out.

    left_out: which rows were broken; null: one stops the stage.
    """
    for part in parts:
        origin = _origin(part, config)
        for number, raw in part.rows:
            counts["read"] += 1
            try:
                problem = attempt(_parsed, raw, origin, format_, config.where)
            except OtherRow as other:
                counts[str(other)] += 1
                continue
            if isinstance(problem, BrokenRow) and left_out is not None and not format_.whole:
                reason = UNFIT if isinstance(problem, UnfitRow) else UNREADABLE
                counts[reason] += 1
                left_out.add(part.where, number, reason, str(problem))
                continue
            problem = located(part.where, number, dict, problem)
            if not located(part.where, number, _wanted, problem, raw, config.without_reference):
                counts["without_reference"] += 1
                continue
            id_ = f"{config.format}-{part.label}-{number:06d}"
            given = {"language": config.language, "metadata": "{}", "source": config.format}
            row = {"id": id_, **given, **problem}
            row["language"] = row["language"] or target_of(row) or ENGLISH
            if config.preference:
                row["metadata"] = located(
                    part.where, number, stamped, row["metadata"], config.preference
                )
            yield row


def _origin(part: Part, config: DatasetConfig) -> Origin:
    local = Path(config.path).expanduser().exists()
    source = Origin.source if local else config.path
    said = (config.preference, config.columns, config.domain, config.verifier)
    return Origin(part.name, config.split, *said, source, config.tests)


def _parsed(raw: Raw, origin: Origin, format_: Format, where: Mapping[str, Any]) -> Row:
    """The columns of a problem that its format decides, of a row that is asked for."""
    if not asked_for(raw, where):
        raise OtherRow(OTHERWISE)
    return format_.parse(raw, origin)


def _wanted(problem: Row, raw: Raw, without_reference: str) -> bool:
    """Whether the row is kept: without what its verifier compares with, only where allowed."""
    if problem["reference"] is not None or problem["verifier"] in (*BY_METADATA, NOBODY):
        return True
    if without_reference == ERROR:
        raise BadRow(f"no reference answer{_no_column(raw)}{WITHOUT}")
    return without_reference == KEEP


def _no_column(raw: Raw) -> str:
    """That the whole column is missing, and which one may be meant."""
    if REFERENCE in raw:
        return f": column `{REFERENCE}` is {raw[REFERENCE]!r}"
    likely = next((name for name in LIKELY if raw.get(name) not in (None, "")), None)
    meant = f"; if `{likely}` is meant, name it `{REFERENCE}`" if likely else ""
    return f": there is no column `{REFERENCE}` (found {', '.join(map(str, raw))}){meant}"


def read_own_rows(
    path: Path, key: str, parse: Callable[[int, Raw], Parsed], left_out: LeftOut | None = None
) -> Iterator[Parsed]:
    """Rows of a user's own file; `key` is the config key that named it.

    A row that cannot be read stops the stage, or is left out where there is a list to name it in.
    """
    path = path.expanduser()
    if not path.is_file():
        raise UsageError(f"{key}={path}: {no_such_file()}")
    for number, row in rows_of_file(path):
        if left_out is None:
            yield located(path, number, parse, number, row)
        elif isinstance(found := attempt(parse, number, row), BadRow):
            left_out.add(str(path), number, UNREADABLE, str(found))
        else:
            yield found


def _local(path: Path, format_: Format) -> Part:
    name = stem_of(path)
    return Part(name, name, str(path), rows_of_file(path, format_.columns))


def splits_of(split: str) -> Sequence[str]:
    """The names in a hub split such as `train+test[:10]`."""
    return [re.sub(r"\[.*", "", name) for name in split.split("+")]
