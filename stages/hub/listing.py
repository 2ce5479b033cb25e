"""Which commit a revision of a data set is, and the files that it has.

A commit never changes, so its listing is kept beside the files that were fetched, and asked for
once; so is which commit a name such as `main` was, for a machine that cannot ask.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, cached_assets_path, constants, snapshot_download

from pipeline import state
from stages.hub.patience import patiently
from stages.hub.reasons import HubError, told
from stages.settings.hub import Hub

LIBRARY = "r1-recipe"
NEWEST = "main"
_COMMIT = re.compile("[0-9a-f]{40}")
_FILES, _COMMITS = "files.json", "commits.json"


@dataclass(frozen=True)
class HubFile:
    """A file of a commit. size: bytes. sha256: where the hub tells it (of large files)."""

    path: str
    size: int
    sha256: str | None = None


@dataclass(frozen=True)
class Listing:
    """The files of a data set at a commit, and the folder on this machine for those fetched."""

    name: str
    commit: str
    files: Mapping[str, HubFile]
    folder: Path

    def at(self) -> str:
        """The data set and its commit, for messages."""
        return f"{self.name}@{self.commit[:7]}"


def listing(name: str, revision: str | None, hub: Hub, key: str) -> Listing:
    """The files of a revision; null: the newest commit. key: of the stage, for messages.

    Raises HubError, with the reason and what to do.
    """
    home = cached_assets_path(LIBRARY, constants.ENDPOINT, f"datasets--{name}")
    commits = _read(home / _COMMITS)
    if revision and _COMMIT.fullmatch(revision) and (kept := _kept(name, home, revision)):
        return kept
    try:
        with told(key, name, revision):
            found = patiently(lambda: _asked(name, revision, home), hub, f"{name}: its files")
    except HubError as error:
        known = commits.get(revision or NEWEST)
        here = (known and _kept(name, home, known)) or _cached(name, revision, home)
        if error.away and here:
            return here
        raise
    files = {file.path: [file.size, file.sha256] for file in found.files.values()}
    found.folder.mkdir(parents=True, exist_ok=True)
    state.write(found.folder / _FILES, files)
    state.write(home / _COMMITS, {**commits, revision or NEWEST: found.commit})
    return found


def newest(name: str) -> str | None:
    """The newest commit of a data set; None where nobody says. One try."""
    try:
        return HfApi().dataset_info(name).sha
    except Exception:  # a look beside the work: whatever stands in its way will be told there
        return None


def _asked(name: str, revision: str | None, home: Path) -> Listing:
    api = HfApi()
    info = api.dataset_info(name, revision=revision, files_metadata=True)
    if info.gated:
        api.auth_check(name, repo_type="dataset")  # what is known of a gated set all may see
    files = [
        HubFile(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else None)
        for one in info.siblings or ()
    ]
    commit = str(info.sha)
    return Listing(name, commit, {file.path: file for file in files}, home / commit)


def _kept(name: str, home: Path, commit: str) -> Listing | None:
    files = _read(home / commit / _FILES)
    if not files:
        return None
    found = {path: HubFile(path, size, sha256) for path, (size, sha256) in files.items()}
    return Listing(name, commit, found, home / commit)


def _cached(name: str, revision: str | None, home: Path) -> Listing | None:
    """What `hf download` brought to the hub's own cache; None: nothing."""
    try:
        folder = snapshot_download(
            name, repo_type="dataset", revision=revision, local_files_only=True
        )
    except OSError:
        return None
    paths = [path for path in Path(folder).rglob("*") if path.is_file()]
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}
    found = {path: HubFile(path, size) for path, size in files.items()}
    commit = Path(folder).name
    return Listing(name, commit, found, home / commit)


def _read(path: Path) -> dict[str, Any]:
    """A file of state; empty where it is not there or torn."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
