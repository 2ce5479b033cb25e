"""What the report is written from, as Markdown and as HTML, and the parts that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.artifact import Artifact
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
    first: Mapping[str, Artifact]  # of the first seed, which figures and samples are of
    config: Mapping[str, Any]
    run: Mapping[str, Any]
    facts: Mapping[str, Any]
    figures: Sequence[Drawn]
    folder: Path  # where the report is written: its links begin there

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
