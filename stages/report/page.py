"""What the report is written from, as Markdown and as HTML, and the parts that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.artifact import Artifact
from stages.report.evidence import Evidence
from stages.report.figures import Drawn

HEADLINES, CLAIMS, SAMPLES = "headline", "claims", "samples"  # keys of sections


class Section(NamedTuple):
    """A part of the report: `key` names it in code, `text` is Markdown."""

    key: str
    title: str
    text: str


@dataclass(frozen=True)
class Page:
    """Everything that the report is written from."""

    artifacts: Mapping[str, Artifact]  # of all seeds
    by_seed: Mapping[int, Mapping[str, Artifact]]  # of each, by names without it
    config: Mapping[str, Any]
    run: Mapping[str, Any]
    facts: Mapping[str, Any]
    figures: Sequence[Drawn]
    folder: Path  # where the report is written: its links begin there

    @property
    def first(self) -> dict[str, Artifact]:
        """Of each stage the first seed's that has it, in the recipe's order."""
        found: dict[str, Artifact] = {}
        for own in self.by_seed.values():
            found = {**own, **found}
        order = list(self.config.get("stages") or ())
        return dict(sorted(found.items(), key=lambda item: _place(item[0], order)))

    @property
    def seeds(self) -> list[Evidence]:
        """What each seed shows."""
        return [Evidence(own, seed) for seed, own in self.by_seed.items()]

    @property
    def shown(self) -> Mapping[str, Any]:
        shown: Mapping[str, Any] = self.config["claims"]["shown"]
        return shown

    def figure(self, name: str) -> str:
        """The Markdown of one figure; empty where this run had no data for it."""
        for drawn in self.figures:
            if drawn.name == name:
                data = f"[{name}.csv](figures/{name}.csv)"
                return f"![{drawn.caption}](figures/{name}.png)\n\n*{drawn.caption} Data: {data}.*"
        return ""


def _place(name: str, order: Sequence[str]) -> int:
    return order.index(name) if name in order else len(order)
