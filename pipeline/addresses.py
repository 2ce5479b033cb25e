"""No password in an address: overrides and configs are written into run folders and manifests.

An address that holds one is refused before anything is written, and shown without it elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import UsageError

#: `scheme://user:password@host`; a password may hold a slash, so the last @ counts.
_PASSWORD = re.compile(r"://(?P<user>[^:/@\s]*):(?!\d+/)(?P<secret>\S*)@")
_USER = re.compile(r"https?://(?P<secret>[^/@\s]+)@")
HIDDEN = "***"
_QUERY = re.compile(
    r"(?P<key>[?&](?:\w*(?:pass|pwd|token|secret|key|auth)\w*|sig)=)(?P<secret>[^&\s]+)",
    re.IGNORECASE,
)
_CLOUD = (
    "leave them to the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "GOOGLE_APPLICATION_CREDENTIALS, AZURE_CLIENT_ID and …) or to the cloud's own files"
)
#: What takes its place, by the key or its last part.
REMEDIES = {
    "paths.adopt": _CLOUD,
    "paths.publish": _CLOUD,
    "tracking.uri": (
        "put them into the environment: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD for "
        "a server, the whole address of a database in MLFLOW_TRACKING_URI"
    ),
    "url": "put the key into the environment variable that server.api_key_env names",
}
ELSE = "give an address without them"


def within(address: str) -> list[str]:
    """The parts of an address that nobody else may read; a password and its user, or a key."""
    found = (shape.search(address) for shape in (_PASSWORD, _USER, _QUERY))
    return list(dict.fromkeys(match["secret"] for match in found if match))


def shown(address: str) -> str:
    """The address with `***` in place of its secrets."""
    if _PASSWORD.search(address) or _USER.search(address):
        address = re.sub(r"://\S*@", "://***@", address)
    return _QUERY.sub(r"\g<key>***", address)


def refuse(config: Mapping[str, Any]) -> None:
    """Raise UsageError for the first value that is an address with a secret in it."""
    for key, text in _texts(config):
        if "://" in text and not re.search(r"\s", text.strip()) and within(text):
            raise _refusal(key)


def refuse_overrides(overrides: Sequence[str]) -> None:
    """The same of overrides, before Hydra writes a sweep's into a file."""
    for override in overrides:
        key, _, value = override.partition("=")
        if "://" in value and within(value):
            raise _refusal(key.lstrip("+~"))


def _refusal(key: str) -> UsageError:
    parts = (key, key.rpartition(".")[2], key.rpartition(".")[0])  # of a list, too
    remedy = next((REMEDIES[part] for part in parts if part in REMEDIES), ELSE)
    return UsageError(
        f"{key}: a user, a password or a key in the address would be written into the run's files "
        f"and manifests; {remedy}"
    )


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
        return
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for name, inner in items:
        yield from _texts(inner, f"{key}.{name}" if key else str(name))
