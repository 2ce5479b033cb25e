"""Secrets in MLFLOW_TRACKING_URI: given to MLflow where it looks for them, kept out of the log."""

from __future__ import annotations

import os
import sys
from typing import TextIO
from urllib.parse import unquote, urlsplit

from pipeline import addresses


def signed_in(uri: str) -> str:
    """A server's address without its user and password, which MLflow's own variables take over."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not (parts.username and parts.password):
        return uri
    os.environ.setdefault("MLFLOW_TRACKING_USERNAME", unquote(parts.username))
    os.environ.setdefault("MLFLOW_TRACKING_PASSWORD", unquote(parts.password))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def keep_quiet_about(uri: str) -> None:
    """Let what this process prints from now on not hold the secrets of an address."""
    if secrets := addresses.within(uri):
        sys.stdout, sys.stderr = (_Censored(s, secrets) for s in (sys.stdout, sys.stderr))


class _Censored:
    """A stream that writes `***` for each secret."""

    def __init__(self, stream: TextIO, secrets: list[str]) -> None:
        self._stream, self._secrets = stream, secrets

    def write(self, text: str) -> int:
        for secret in self._secrets:
            text = text.replace(secret, addresses.HIDDEN)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)
