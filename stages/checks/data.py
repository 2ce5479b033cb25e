"""What a stage that reads other people's files can have set wrong: absent files, and names.

A missing file stands in the way of a run only: a recipe can be read before its data is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.kinds import Problem, Stage
from stages.configs import ConversationsConfig, DatasetConfig, MixtureConfig
from stages.rows.places import no_such_file, not_there
from stages.verifiers import VERIFIERS

USUAL = ("en", "zh")  # languages that need no looking up


def dataset(stage: Stage) -> Iterator[Problem]:
    """Problems of a file: it is there, and its language is one."""
    config: DatasetConfig = stage.config
    yield from rows(config.path)
    yield from _language("language", config.language)


def conversations(stage: Stage) -> Iterator[Problem]:
    """Conversations of a file: it is there, its language is one, and its verifier."""
    config: ConversationsConfig = stage.config
    yield from rows(config.path)
    yield from _language("language", config.language)
    if config.verifier is not None and config.verifier not in VERIFIERS:
        known = ", ".join(VERIFIERS)
        yield Problem("verifier", f"is {config.verifier!r}; expected one of {known}, or null")


def mixture(stage: Stage) -> Iterator[Problem]:
    """A part of a language that no row can have would be empty."""
    config: MixtureConfig = stage.config
    for name, part in config.parts.items():
        for number, language in enumerate(part.languages):
            yield from _language(f"parts.{name}.languages[{number}]", language)


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


def _language(key: str, value: str | None) -> Iterator[Problem]:
    if value is None or value in USUAL:
        return
    from stages.language.codes import is_code, why_no_code  # what reads languages takes its time

    if not is_code(value):
        yield Problem(key, why_no_code(value))
