"""What a stage that reads other people's files can have set wrong: absent files, and names.

A missing file stands in the way of a run only: a recipe can be read before its data is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.kinds import Problem
from stages.rows.places import no_such_file, not_there

USUAL = ("en", "zh")  # languages that need no looking up


def rows(path: str, key: str = "path") -> Iterator[Problem]:
    """A file, a folder of files, or a hub name, which is not looked up."""
    if (wrong := not_there(path)) is not None:
        yield _missing(key, path, wrong)


def file(path: str | None, key: str) -> Iterator[Problem]:
    """One file, where there is to be one."""
    if path is not None and not Path(path).expanduser().is_file():
        yield _missing(key, path, no_such_file())


def _missing(key: str, path: str, wrong: str) -> Problem:
    return Problem(key, f"is {path}: {wrong}", when_run=True)


def language(key: str, value: str | None) -> Iterator[Problem]:
    if value is None or value in USUAL:
        return
    from stages.language.codes import is_code, why_no_code  # what reads languages takes its time

    if not is_code(value):
        yield Problem(key, why_no_code(value))
