"""Where a run's files are now: its outputs may have been moved or copied since it was written.

The journal and `mlflow.db` hold absolute locations, those of the folder that they were born in.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATABASE, FILES = "mlflow.db", "mlartifacts"
#: Every column of MLflow's database that says where files are.
LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


@dataclass(frozen=True)
class Places:
    """The root that the journal's paths begin with, and where this root is now."""

    born: Path
    root: Path

    @classmethod
    def of(cls, folder: Path, config: Mapping[str, Any], born: str) -> Places:
        """From a run's folder, its config and the root in its journal."""
        before, paths = Path(born), config["paths"]
        runs = Path(paths.get("runs") or Path(paths["root"]) / "runs")
        if not runs.is_relative_to(paths["root"]):
            return cls(before, before)
        inside = runs.relative_to(paths["root"])
        if (before / inside).resolve() == folder.parent.resolve():
            return cls(before, before)
        return cls(before, folder.absolute().parents[len(inside.parts)])

    def found(self, path: str) -> Path:
        """The place now of a path in the journal."""
        if self.root != self.born and Path(path).is_relative_to(self.born):
            return self.root / Path(path).relative_to(self.born)
        return Path(path)

    def named(self, path: Path) -> str:
        """A path as tags have it: from the root on, absolute outside of it."""
        inside = os.path.relpath(path.absolute(), self.root)
        return str(path.absolute()) if inside.startswith(os.pardir) else inside


def files(root: Path) -> str:
    """The address of the files that MLflow keeps beside its database."""
    return (root / FILES).as_uri()


def settle(root: Path) -> None:
    """Let the database in a root say that its files are in this root, wherever it came from."""
    database = root / DATABASE
    if not database.is_file():
        return
    here = files(root)
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        if not {table for table, _ in LOCATIONS} <= {name for (name,) in connection.execute(query)}:
            return  # no database of MLflow, or an empty one
        query = "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location LIKE ?"
        for (there,) in connection.execute(query, (f"file://%/{FILES}",)).fetchall():
            if there != here:
                _move(connection, there, here)


def _move(connection: sqlite3.Connection, there: str, here: str) -> None:
    size = len(there)
    for table, column in LOCATIONS:
        connection.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
            f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
            (here, size + 1, there, size + 1, f"{there}/"),
        )
