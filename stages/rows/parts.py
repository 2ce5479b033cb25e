"""The parts of a source of rows: one for each of its files, or each configuration on the hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.errors import RecipeError
from stages.rows.files import Numbered
from stages.settings.about import About
from stages.settings.hub import Hub


class Source(Protocol):
    """The keys of a stage's config that say where rows come from."""

    path: str
    subset: Any
    split: str
    limit: int | None
    revision: str | None
    files: Any
    about: About
    hub: Hub


@dataclass(frozen=True)
class Part:
    """One file or hub configuration. `label` stands in the ids, `where` in messages.

    commit, files: of a data set of the hub.
    """

    name: str
    label: str
    where: str
    rows: Numbered
    commit: str | None = None
    files: tuple[str, ...] = ()


def hub_facts(
    config: Source, parts: Sequence[Part], read: int, key: str, warn: Callable[[str], None]
) -> dict[str, Any]:
    """The commit that the rows of a hub's data set are of; nothing for a file.

    read: the rows that it had. Raises RecipeError where so many of those are gone that the set's
    file tells (about.rows) that it is another data set; of fewer the user is told by `warn`.
    """
    commit = next((part.commit for part in parts), None)
    if commit is None:
        return {}
    facts, told = {"revision": commit}, config.about.rows
    whole = config.limit is None or read < config.limit
    if not told or not whole or read >= config.hub.told_below * told:
        return facts
    text = f"{key}.path={config.path} has {read:,} rows, and {key}.about.rows tells {told:,}"
    if read < config.hub.refused_below * told:
        raise RecipeError(
            f"{text}: it shrank, or is read by another subset, split or files. Pin {key}.revision "
            "to a commit that has them, or correct about.rows"
        )
    warn(f"{text}: it shrank")
    return {**facts, "warnings": [f"{text}: it shrank"]}
