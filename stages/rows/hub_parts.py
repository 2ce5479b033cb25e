"""The parts of a data set on the hub, read file by file with the readers of local files.

A file is fetched when its first row is asked for, and rows go through one by one: `load_dataset`
would write them all to the disk once more before the first, and its streaming fetches them each
time (`python -m benchmarks.hub_rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from stages.hub.download import fetch
from stages.hub.listing import Listing, listing
from stages.hub.remote import remote
from stages.hub.splits import Section, matching, split_files
from stages.rows.files import BrokenRow, Numbered, Raw, rows_of_file
from stages.rows.parts import Part, Source
from stages.rows.places import stem_of
from stages.settings.hub import names

Opened = Callable[[str], Any]  # a file of the data set → what its rows are read from


def hub_parts(config: Source, columns: Sequence[str], key: str, look: bool = False) -> list[Part]:
    """The parts of the data set that `path` names: one for each of `files`, or of `subset`.

    columns: of files without a header. look: only the beginning of a file is to be read, which is
    not fetched for it.
    """
    found = listing(config.path, config.revision, config.hub, key)

    def opened(path: str) -> Any:
        return remote(found, path) if look else fetch(found, path, config.hub, key)

    if config.files is None:
        subsets: list[str | None] = [None] if config.subset is None else [*names(config.subset)]
        return [_split(config, found, one, columns, key, opened) for one in subsets]
    return [
        Part(
            stem_of(Path(path)),
            stem_of(Path(path)),
            f"{found.at()}/{path}",
            _rows([Section([path])], columns, opened),
            found.commit,
            (path,),
        )
        for path in matching(found, names(config.files), key)
    ]


def _split(
    config: Source,
    found: Listing,
    subset: str | None,
    columns: Sequence[str],
    key: str,
    opened: Opened,
) -> Part:
    sections = split_files(found, subset, config.split, config.hub, key)
    label = "-".join(filter(None, (subset, config.split)))
    where = "/".join(filter(None, (found.at(), subset, config.split)))
    files = tuple(dict.fromkeys(path for one in sections for path in one.files))
    rows = _rows(sections, columns, opened)
    return Part(subset or "", label, where, rows, found.commit, files)


def _rows(sections: Sequence[Section], columns: Sequence[str], opened: Opened) -> Numbered:
    """The rows of files as of one, numbered from 1."""
    number = 0
    for section in sections:
        for row in islice(_plain(section.files, columns, opened), section.first, section.end):
            number += 1
            yield number, row


def _plain(
    files: Sequence[str], columns: Sequence[str], opened: Opened
) -> Iterator[Raw | BrokenRow]:
    for path in files:
        for _, row in rows_of_file(opened(path), columns):
            yield row
