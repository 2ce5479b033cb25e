"""Departures and fidelity for people: in the terminal, and as the page docs/fidelity.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stages.commands.fidelity.paper import Fidelity, Own

if TYPE_CHECKING:
    from stages.commands.fidelity.departures import Departure

MOST_NAMES = 4  # of stages in a line
LONGEST = 60  # letters of a value that is shown in a table; prompts are longer

Line = tuple[str, str, str, str, str]  # key, the reference's value, its source, the value, reason


@dataclass(frozen=True)
class Page:
    """What `r1 plan --departures` found.

    name: of the composed recipe and profile. sources: what the sections are sections of.
    """

    name: str
    reference: str
    sources: str | None
    found: Sequence[Departure]
    fidelity: Fidelity

    def text(self) -> str:
        """For the terminal: what stages depart in alike stands once, below their names."""
        return "\n".join(self._text())

    def markdown(self) -> str:
        """As a page, with a table for each kind of difference."""
        return "\n".join(self._markdown())

    def _text(self) -> Iterator[str]:
        yield self._count()
        if self.sources:
            yield f"sources: {self.sources}"
        for together, lines in _by_stages(self.found):
            yield ", ".join(together)
            for key, was, source, now, reason in lines:
                yield f"  {key}: {was} ({source}) → {now}" + (f"  · {reason}" if reason else "")
        yield from _listed("The paper has, and this project lacks", self._lacks())
        yield from _listed("Read in one of two ways", self._readings())
        yield from _listed("Versions of the paper differ", self._versions())
        yield from _listed("Ours, where the paper gives nothing", self._ours())

    def _count(self) -> str:
        sourced = sum(d.source is not None for d in self.found)
        return (
            f"{len(self.found)} departures from {self.reference}, {sourced} of them from numbers "
            "with a source"
        )

    def _lacks(self) -> list[str]:
        return [
            f"{one.what} ({one.source})  · {one.reason}"
            + (f"; {one.instead}" if one.instead else "")
            for one in self.fidelity.lacks
        ]

    def _readings(self) -> list[str]:
        return [f"{one.what} ({one.source})  · {one.here}" for one in self.fidelity.readings]

    def _versions(self) -> list[str]:
        return [
            f"{one.what}: v1 {one.v1}; v2 {one.v2}  · {one.here}" for one in self.fidelity.versions
        ]

    def _ours(self) -> list[str]:
        return [
            f"{own.key} ({_some(own.stages)}): {_values(own)}  · {own.reason or 'without a reason'}"
            for own in self.fidelity.ours
        ]

    def _markdown(self) -> Iterator[str]:
        yield "# How far this is the paper"
        yield ""
        yield f"Made by `r1 plan --departures --markdown` for {self.name}; it takes any words of a"
        yield f"run, and `--json` has the same for programs. The reference is `{self.reference}`."
        if self.sources:
            yield f"Sections: {self.sources}."
        found = self.fidelity
        yield from _table(
            "What the paper has and this project lacks",
            ("in the paper", "where", "why not here", "instead"),
            [(one.what, one.source, one.reason, one.instead) for one in found.lacks],
        )
        yield from _table(
            "What can be read in two ways",
            ("in the paper", "where", "here"),
            [(one.what, one.source, one.here) for one in found.readings],
        )
        yield from _table(
            "Where versions of the paper differ",
            ("about", "v1", "v2 and Nature", "here"),
            [(one.what, one.v1, one.v2, one.here) for one in found.versions],
        )
        yield from _table(
            f"What is ours in `{self.reference}`, since the paper gives nothing",
            ("key", "values", "stages", "why"),
            [_own_row(one) for one in found.ours],
        )
        yield from departed(f"What {self.name} departs in", self.found)


def departed(title: str, found: Sequence[Departure]) -> Iterator[str]:
    """The lines of a table of departures, with its title; none where there are none."""
    rows = [
        (key, was, source, now, ", ".join(stages), reason)
        for stages, lines in _by_stages(found)
        for key, was, source, now, reason in lines
    ]
    yield from _table(title, ("key", "paper", "where", "here", "stages", "why"), rows)


def _by_stages(found: Sequence[Departure]) -> list[tuple[tuple[str, ...], list[Line]]]:
    """Lines by the stages that have them; what several stages depart in alike is one line."""
    alike: dict[Line, list[str]] = {}
    for d in found:
        line = (d.key, _shown(d.reference), d.source or "ours", _shown(d.value), d.reason or "")
        alike.setdefault(line, []).append(d.stage)
    by_stages: dict[tuple[str, ...], list[Line]] = {}
    for line, stages in alike.items():
        by_stages.setdefault(tuple(stages), []).append(line)
    return list(by_stages.items())


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title} ({len(lines)})"
        yield from (f"  {line}" for line in lines)


def _own_row(own: Own) -> tuple[str, ...]:
    return own.key, _values(own), _some(own.stages), own.reason or ""


def _values(own: Own) -> str:
    """A single number as it is, several each with the rest of its key."""
    if list(own.values) == [own.key]:
        return _shown(own.values[own.key])
    short = ((key.removeprefix(f"{own.key}."), value) for key, value in own.values.items())
    return ", ".join(f"{key} {_shown(value)}" for key, value in short)


def _some(stages: Sequence[str]) -> str:
    """Names while they are few."""
    more = len(stages) - MOST_NAMES
    return ", ".join(stages[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"## {title}", "", _row(heads), _row(["---"] * len(heads)))
    yield from (_row(row) for row in rows)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
