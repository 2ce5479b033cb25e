"""Public pairs and labelled responses, for the reward models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.settings import files, hub, values
from stages.settings.about import About
from stages.settings.hub import Hub
from stages.settings.origins import rows
from stages.settings.stage import GivenConfig, from_root, outside_file

FORMATS = {
    "preference_dataset": values.PREFERENCE_FORMATS,
    "label_dataset": values.LABEL_FORMATS,
}


@dataclass
class LabelDatasetConfig(GivenConfig):
    """Responses of a public data set that are labelled: `format` names the reader of its rows.

    columns: the set's own names of prompt, completion, messages, label, language, domain or source.
    """

    format: str = MISSING
    path: str = outside_file(MISSING)  # a file, a folder of files, or a hub name
    subset: Any = None  # a hub configuration, or a list of them
    split: str = "train"  # a hub split; ignored for a local file
    revision: str | None = None  # of the hub: a commit, branch or tag; null: the newest commit
    files: Any = None  # of the hub: files of a set, in place of subset and split, e.g. "*.jsonl"
    limit: int | None = None
    columns: dict[str, str] = field(default_factory=dict)
    where: dict[str, Any] = field(default_factory=dict)  # which rows, by the set's own columns
    language: str | None = None  # of rows without one; null: that of their prompt
    about: About = field(default_factory=About, metadata={"identity": False})
    hub: Hub = from_root("hub", Hub, identity=False)


@dataclass
class PreferenceDatasetConfig(LabelDatasetConfig):
    """Pairs of a public data set, of which one response was chosen.

    columns: prompt, chosen, rejected, margin, score_chosen, score_rejected, language, domain or
    source. min_margin: pairs whose margin is told and lower are left out.
    """

    min_margin: float = 0.0
    # as many pairs with the longer response chosen as with the shorter; the others are dropped
    balance_lengths: bool = True


def check(stage: Stage) -> Iterator[Problem]:
    """The file is there, its language is one, and how its rows are read."""
    config: LabelDatasetConfig = stage.config
    yield from hub.check(config.hub)
    yield from files.rows(config.path)
    yield from files.language("language", config.language)
    yield from rules(config, stage.kind.name)


def rules(config: LabelDatasetConfig, kind: str) -> Iterator[Problem]:
    """The format that reads the rows, and the columns that it knows."""
    yield from hub.rules(config)
    yield from values.one_of("format", config.format, FORMATS[kind])
    yield from values.at_least(config, 1, "limit")
    yield from values.where(config.where)
    if isinstance(config, PreferenceDatasetConfig):
        yield from values.at_least(config, 0, "min_margin")
    if config.columns:
        from stages.judging import pair_formats as known  # what reads rows takes its time

        own = known.PAIR_COLUMNS if kind == "preference_dataset" else known.LABEL_COLUMNS
        names = (*own, *known.BESIDE)
        if unknown := sorted(set(config.columns) - set(names)):
            text = f"has {', '.join(unknown)}: expected any of {', '.join(names)}"
            yield Problem("columns", text)


def origin(stage: Stage) -> str:
    config: LabelDatasetConfig = stage.config
    where = rows(config.path, config.subset, config.split, config.limit)
    return f"{where}, read as {config.format}"


def _kind(name: str, config: type, produces: str, entry: str) -> Kind:
    entry = f"stages.kinds.preference_dataset.run:{entry}"
    return Kind(
        name,
        1,
        config,
        produces,
        entry,
        check=check,
        origin=origin,
        light=True,
        work="stages.kinds.preference_dataset.work:work",
    )


KINDS = (
    _kind("preference_dataset", PreferenceDatasetConfig, "preferences", "run"),
    _kind("label_dataset", LabelDatasetConfig, "labels", "run_labels"),
)
