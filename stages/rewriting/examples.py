"""Pairs that people made, shown to the rewriting model as earlier turns (paper, B.3.2).

In the paper people first turn some traces into the style that is wanted, and these pairs prompt a
model to rewrite the rest. A file of such pairs is JSONL, a row a pair:

    {"language": "en", "question": "…", "answer": "…", "thought_before": "…",
     "thought_after": "…", "summary": "…"}

`r1 review STAGE --examples FILE` makes one of a sheet that people filled in. A question sees the
pairs of its own language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from stages.chat.template import ANSWER, END_ANSWER, END_THINK, THINK
from stages.language.codes import code_of
from stages.language.consistency import mixes_languages, primary
from stages.rows.sources import BadRow, Raw, read_own_rows

TAGS = (THINK, END_THINK, ANSWER, END_ANSWER)


@dataclass(frozen=True)
class Example:
    """A sample before and after people rewrote it."""

    language: str  # ISO 639-1
    question: str
    answer: str
    thought_before: str
    thought_after: str
    summary: str


Examples = Mapping[str, Sequence[Example]]  # by language


def read_examples(path: str | None, key: str, least: float) -> Examples:
    """The pairs of a file. A row that lacks something is refused with the file and its number.

    key: the config key that names the file. least: the share of a rewritten thought's words that
    must be in its language, as of what the model writes.
    """
    if path is None:
        return {}
    found: dict[str, list[Example]] = {}
    for example in read_own_rows(
        Path(path).expanduser(), key, lambda number, row: _example(row, least)
    ):
        found.setdefault(example.language, []).append(example)
    return found


def foreign_tags(text: str) -> list[str]:
    """The tags of a completion's own form in a text that becomes part of one."""
    return [tag for tag in TAGS if tag in text]


def as_row(example: Example) -> dict[str, str]:
    """An example as a row of its file."""
    return dict(zip(_NAMES, astuple(example), strict=True))


def counts(examples: Examples) -> dict[str, int]:
    """How many there are of each language."""
    return {language: len(own) for language, own in examples.items()}


_NAMES = tuple(field.name for field in fields(Example))


def _example(row: Raw, least: float) -> Example:
    if bad := [name for name in _NAMES if not _is_text(row.get(name))]:
        raise BadRow(f"no text in {_named(bad)}; a pair has {_named(_NAMES)}")
    example = Example(*(row[name].strip() for name in _NAMES))
    for name in ("thought_after", "summary"):
        if tags := foreign_tags(getattr(example, name)):
            raise BadRow(f"`{name}` has {', '.join(tags)}: leave tags out, they are put around it")
    language = primary(code_of(example.language, "`language`"))
    if mixes_languages(example.thought_after, language, least):
        raise BadRow(
            f"`thought_after` mixes languages: less than {least:.0%} of its words are {language}"
        )
    return Example(language, *astuple(example)[1:])


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
