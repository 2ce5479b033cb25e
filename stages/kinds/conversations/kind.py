"""Other people's long chains of thought."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.settings import files, hub, values, verifiers
from stages.settings.about import About
from stages.settings.hub import Hub
from stages.settings.origins import rows
from stages.settings.stage import GivenConfig, from_root, outside_file
from stages.settings.verifiers import Verifiers
from stages.verifiers import VERIFIERS


@dataclass
class ConversationsConfig(GivenConfig):
    """Long chains of thought of others as conversations: a local file or a hub name.

    columns: prompt, context, completion, thought, reference or turns → the file's own column.
    """

    path: str = outside_file(MISSING)
    subset: str | None = None  # a hub configuration
    split: str = "train"  # a hub split; ignored for a local file
    revision: str | None = None  # of the hub: a commit, branch or tag; null: the newest commit
    files: Any = None  # of the hub: files of a set, in place of subset and split, e.g. "*.jsonl"
    limit: int | None = None
    columns: dict[str, str] = field(default_factory=dict)  # empty: found by their usual names
    where: dict[str, Any] = field(default_factory=dict)  # which rows, by the file's own columns
    domain: str = "general"  # of rows without one
    language: str | None = None  # of rows without one; null: that of their prompt
    verifier: str | None = None  # judges rows that carry a reference
    verifiers: Verifiers = from_root("verifiers", Verifiers)
    about: About = field(default_factory=About, metadata={"identity": False})
    hub: Hub = from_root("hub", Hub, identity=False)


def check(stage: Stage) -> Iterator[Problem]:
    """Conversations of a file: it is there, its language is one, and its verifier."""
    config: ConversationsConfig = stage.config
    yield from hub.check(config.hub)
    yield from files.rows(config.path)
    yield from files.language("language", config.language)
    yield from verifiers.check(config.verifiers)
    yield from rules(config)


def rules(config: ConversationsConfig) -> Iterator[Problem]:
    """What the rows are, by which columns they are read, and who judges them."""
    yield from hub.rules(config)
    yield from values.one_of("domain", config.domain, values.DOMAINS)
    yield from values.at_least(config, 1, "limit")
    yield from values.where(config.where)
    if config.columns:
        from stages.chat.exchanges import NAMES, check_columns  # what reads rows takes its time

        if unknown := check_columns(config.columns):
            known = f"{', '.join(NAMES)}, context or turns"
            yield Problem("columns", f"has {', '.join(unknown)}: expected any of {known}")
    if config.verifier is not None and config.verifier not in VERIFIERS:
        known = ", ".join(VERIFIERS)
        yield Problem("verifier", f"is {config.verifier!r}: expected one of {known}, or null")


def origin(stage: Stage) -> str:
    config: ConversationsConfig = stage.config
    return rows(config.path, config.subset, config.split, config.limit)


KINDS = (
    Kind(
        "conversations",
        4,
        ConversationsConfig,
        "conversations",
        "stages.kinds.conversations.run:run",
        check=check,
        origin=origin,
        light=True,
        work="stages.kinds.conversations.work:work",
    ),
)
