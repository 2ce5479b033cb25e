"""Which files of a data set hold a split of one of its configurations.

The hub's rules (configurations in the README, or splits by the names of files and folders) are
those of `datasets`. It is asked in a folder of empty files with the names that the hub listed, and
fetches nothing: its own way to the rows would write them a second time, or fetch them each time.
"""

from __future__ import annotations

import fnmatch
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.errors import UsageError
from stages.hub.download import fetch
from stages.hub.listing import Listing
from stages.rows.places import FILE_ENDINGS, ending_of
from stages.settings.hub import Hub

README = "README.md"
SHOWN = 20  # names in a message
_SPLIT = re.compile(r"(?P<name>[\w.-]+)(\[(?P<first>\d*):(?P<end>\d*)\])?")


@dataclass(frozen=True)
class Section:
    """Files whose rows are taken from `first` (counted from 0) to before `end`; None: the last."""

    files: list[str]
    first: int = 0
    end: int | None = None


def matching(listing: Listing, patterns: Sequence[str], key: str) -> list[str]:
    """The files whose names a pattern fits, `**` for folders as well."""
    found = [
        path
        for pattern in patterns
        for path in sorted(listing.files)
        if PurePosixPath(path).match(pattern) or fnmatch.fnmatchcase(path, pattern)
    ]
    if not found:
        raise UsageError(
            f"{key}.files={', '.join(patterns)}: no file of {listing.at()} fits; it has "
            f"{_some(list(listing.files))}"
        )
    if unread := [path for path in found if ending_of(Path(path)) not in FILE_ENDINGS]:
        raise UsageError(
            f"{key}.files={', '.join(patterns)}: {unread[0]} of {listing.at()} is none of "
            f"{', '.join(FILE_ENDINGS)} (or .gz), which alone are read"
        )
    return list(dict.fromkeys(found))


def split_files(
    listing: Listing, subset: str | None, split: str, hub: Hub, key: str
) -> list[Section]:
    """The files of a split in order; of several (`train+test`, `train[:100]`), one after another.

    Raises UsageError with the configurations or splits that there are.
    """
    _refuse_script(listing, key)
    data = [path for path in listing.files if ending_of(Path(path)) in FILE_ENDINGS]
    if not data:
        raise UsageError(
            f"{key}.path={listing.name}: {listing.at()} has no {', '.join(FILE_ENDINGS)}; it has "
            f"{_some(list(listing.files))}"
        )
    readme = fetch(listing, README, hub, key) if README in listing.files else None
    with tempfile.TemporaryDirectory() as folder:
        found = _as_the_hub_would(Path(folder), listing, data, readme, subset, key)
    return [_section(one, found, listing, split, key) for one in split.split("+")]


def _section(
    text: str, found: dict[str, list[str]], listing: Listing, split: str, key: str
) -> Section:
    match = _SPLIT.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{key}.split={split}: expected names of splits as in train+test, perhaps with the "
            "rows from one place to another as in train[:100]"
        )
    if match["name"] not in found:
        raise UsageError(
            f"{key}.split={split}: {listing.at()} has no split {match['name']}; there are: "
            f"{', '.join(found)}"
        )
    end = int(match["end"]) if match["end"] else None
    return Section(found[match["name"]], int(match["first"] or 0), end)


def _as_the_hub_would(
    folder: Path,
    listing: Listing,
    data: list[str],
    readme: Path | None,
    subset: str | None,
    key: str,
) -> dict[str, list[str]]:
    """The files by split of a configuration."""
    from datasets import get_dataset_config_names, load_dataset_builder

    for path in data:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    if readme is not None:
        shutil.copyfile(readme, folder / README)
    names = get_dataset_config_names(str(folder))
    if subset is not None and subset not in names:
        raise UsageError(
            f"{key}.subset={subset}: {listing.at()} has no such configuration; there are: "
            f"{_some(names)}"
        )
    try:
        files = load_dataset_builder(str(folder), subset).config.data_files or {}
    except ValueError as error:  # several configurations, and none that is meant without a word
        raise UsageError(
            f"{key}.subset is null, and {listing.at()} has several configurations: {_some(names)}"
        ) from error
    base = folder.resolve()
    return {
        str(split): [Path(path).resolve().relative_to(base).as_posix() for path in paths]
        for split, paths in files.items()
    }


def _refuse_script(listing: Listing, key: str) -> None:
    script = listing.name.rpartition("/")[2] + ".py"
    if script in listing.files:
        raise UsageError(
            f"{key}.path={listing.name}: {listing.at()} is read by a program of its own "
            f"({script}), which is not run. Name its files instead, e.g. {key}.files='*.jsonl'; it "
            f"has {_some(list(listing.files))}"
        )


def _some(names: Sequence[str]) -> str:
    more = f", … and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
