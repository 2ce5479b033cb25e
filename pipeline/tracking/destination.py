"""Where MLflow is told of runs: a server, or SQLite on a disk of this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import addresses
from pipeline.mounts import network_of
from pipeline.tracking.places import DATABASE

#: What to do where `unsafe` gives a reason.
INSTEAD = (
    "Let one machine run `mlflow server --host 0.0.0.0 --allowed-hosts MACHINE:5000 "
    "--backend-store-uri sqlite:////LOCAL/FOLDER/mlflow.db`, and set "
    "MLFLOW_TRACKING_URI=http://MACHINE:5000"
)
_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///(?P<file>[^?]+)")


def destination(config: Mapping[str, Any], root: str) -> str:
    """The tracking URI: the environment's, the config's, else SQLite under the run's root."""
    named = os.environ.get("MLFLOW_TRACKING_URI") or (config.get("tracking") or {}).get("uri")
    return str(named or database(Path(root)))


def database(root: Path) -> str:
    """The URI of the database in a root."""
    return f"sqlite:///{root.absolute()}/{DATABASE}"


def described(config: Mapping[str, Any], root: str) -> str:
    """The tracking URI as it may be shown, and why nothing is sent there, if so."""
    uri = destination(config, root)
    if addresses.within(uri):
        return (
            f"{addresses.shown(uri)} (a secret in MLFLOW_TRACKING_URI is not shown; that of a "
            "server belongs into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD)"
        )
    why_not = unsafe(uri)
    return f"{uri} (not used: {why_not})" if why_not else uri


def unsafe(uri: str) -> str:
    """Why nothing is written there; empty if it may be.

    SQLite rests on locks that network file systems lack, or keep to one machine: of several that
    write, each spoils what the others have written.
    """
    found = _SQLITE.fullmatch(uri)
    kind = network_of(Path(found["file"]).parent) if found else None
    if found is None or kind is None:
        return ""
    return f"no SQLite on a network disk ({kind}): {found['file']}"
