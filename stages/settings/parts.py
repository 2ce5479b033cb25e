"""Parts of a set of rows: by stage, domain, source and language, with caps and shares."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.kinds import Problem
from stages.settings import files, values


@dataclass
class MixturePart:
    """What a part of a mixture takes: rows that match every list that is not empty.

    rows, tokens: at most so many. share: its proportion; all parts have one, or none has.
    """

    stages: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    rows: int | None = None
    tokens: int | None = None
    share: float | None = None


def shares(parts: Mapping[str, MixturePart]) -> Iterator[Problem]:
    """Shares that can be kept to."""
    for name, part in parts.items():
        yield from values.at_least(part, 0, "rows", "tokens", "share", below=f"parts.{name}")
    given = [part.share for part in parts.values() if part.share is not None]
    if given and len(given) < len(parts):
        silent = [name for name, part in parts.items() if part.share is None]
        yield Problem(
            "parts", f"{', '.join(silent)} have no share: give all parts one (0: none), or none"
        )
    if given and sum(given) <= 0:
        yield Problem("parts", f"shares are {given}: their sum must be above 0")


def matched(parts: Mapping[str, MixturePart], stages: Collection[str]) -> Iterator[Problem]:
    """A part of what no row can be would be empty. stages: that rows can come from."""
    for name, part in parts.items():
        for number, source in enumerate(part.stages):
            yield from values.one_of(f"parts.{name}.stages[{number}]", source, stages)
        for number, domain in enumerate(part.domains):
            yield from values.one_of(f"parts.{name}.domains[{number}]", domain, values.DOMAINS)
        for number, language in enumerate(part.languages):
            yield from files.language(f"parts.{name}.languages[{number}]", language)
