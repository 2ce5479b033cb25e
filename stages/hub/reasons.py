"""What stands between a stage and the hub, in words: what is wrong, where, and what to do."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from huggingface_hub import constants
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from pipeline.errors import RecipeError, UsageError
from stages.hub.patience import GivenUp, behind, said

DATASET, MODEL = "data set", "model"
MEBI = 2**20
FULL = (errno.ENOSPC, errno.EDQUOT)
LOGIN = "log in with `hf auth login`, or set HF_TOKEN"


class HubError(RecipeError):
    """The hub did not give what a stage needs. away: nobody answered, so a copy may do."""

    def __init__(self, text: str, away: bool = False) -> None:
        super().__init__(text)
        self.away = away


@contextmanager
def told(
    key: str,
    name: str,
    revision: str | None,
    target: Path | None = None,
    size: int = 0,
    kind: str = DATASET,
) -> Iterator[None]:
    """Turn what the hub's libraries raise into a message with the key of the stage.

    target: the file that is fetched, of so many bytes: for a full disk. kind: or MODEL.
    """
    try:
        yield
    except (UsageError, HubError):
        raise
    except Exception as error:
        if target is not None and getattr(error, "errno", None) in FULL:
            raise HubError(f"{key}.path={name}: {_full(target, size)}") from error
        text = _reason(error, name, revision, key, kind)
        if text is None:
            raise
        raise HubError(f"{key}.path={name}: {text}", _is_away(error)) from error


def _reason(error: Exception, name: str, revision: str | None, key: str, kind: str) -> str | None:
    if isinstance(error, GivenUp):
        return _given_up(error, key, kind)
    page = f"{constants.ENDPOINT}/{'datasets/' if kind == DATASET else ''}{name}"
    match behind(error):
        case OfflineModeIsEnabled():
            return (
                "HF_HUB_OFFLINE is set, and what is needed of it was not fetched before. Unset it, "
                f"or {_without_network(key, kind)}"
            )
        case GatedRepoError():
            return f"its owners ask for consent: accept the terms at {page}, then {LOGIN}"
        case DisabledRepoError():
            return f"access to it was disabled; see {page}"
        case RepositoryNotFoundError():
            return (
                f"there is no such {kind} at {constants.ENDPOINT}, or it is private. Check the "
                f"name; for a private one {LOGIN}"
            )
        case RevisionNotFoundError():
            return (
                f"its revision {revision} is gone. Set {key}.revision to a commit listed at "
                f"{page}/commits/main, or to null for the newest"
            )
        case EntryNotFoundError():
            return f"a file of it is gone ({said(error)}); see {page}/tree/{revision or 'main'}"
        case HFValidationError():
            return f"no name of a {kind} ({said(error)})"
        case HfHubHTTPError(response=answer) if answer.status_code in (401, 403):
            return (
                f"access was refused (HTTP {answer.status_code}): accept the terms at "
                f"{page} if there are any, then {LOGIN}"
            )
        case HfHubHTTPError(response=answer):
            return f"the hub answered {said(error)} for {answer.url}"
    return None


def _given_up(error: GivenUp, key: str, kind: str) -> str:
    tried = f"tried {error.tries} times, as {key}.hub.retries says"
    if isinstance(behind(error.error), httpx.TransportError):
        return (
            f"{constants.ENDPOINT} cannot be reached, or the connection broke "
            f"({said(error.error)}; {tried}). What was fetched is kept. Without a network, "
            f"{_without_network(key, kind)}"
        )
    return (
        f"the hub gave {said(error.error)}, {tried}. What was fetched is kept: give the same "
        f"command again later, or raise {key}.hub.retries"
    )


def _without_network(key: str, kind: str) -> str:
    local = "FILE.jsonl" if kind == DATASET else "FOLDER"
    return (
        "fetch it where there is one (the same command there, or `hf download`) and bring "
        f"{constants.HF_HOME} along, or give a local copy: {key}.path={local}"
    )


def _is_away(error: Exception) -> bool:
    if isinstance(error, GivenUp):
        status = getattr(getattr(behind(error.error), "response", None), "status_code", 500)
        return bool(status >= 500)
    return isinstance(behind(error), OfflineModeIsEnabled)


def _full(target: Path, size: int) -> str:
    there = next(path for path in target.parents if path.exists())
    free = shutil.disk_usage(there).free / MEBI
    return (
        f"the disk is full: {free:,.0f} MiB left for {target.parent}, and {target.name} takes "
        f"{size / MEBI:,.1f} MiB. What was fetched is kept and gone on with. Make room there, or "
        "set HF_HOME to a folder on another disk, and give the same command again"
    )
