"""An OpenAI-compatible server over HTTP: retries, and errors that say what to do.

What passes by itself is tried again with growing pauses (or as long as `Retry-After` says, up to
ten minutes): broken connections, timeouts, 408, 429, 5xx, and answers that cannot be read. What
does not is raised as `Refused` at once. The key comes from the environment variable that
`server.api_key_env` names; it is in no config, no message and no log, and it is cut out of what a
server says.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from pipeline.errors import StageFailed, UsageError
from stages.rollout.chat_reply import Odd
from stages.rollout.chat_response import Response, plain
from stages.settings.generation import Server

T = TypeVar("T")
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
LONGEST_PAUSE = 60.0  # seconds, unless the server asks for more
CONNECT_SECONDS = 10.0
UNREACHED = "Is the server up (`vllm serve MODEL` starts one), and the URL right (most end in /v1)?"
TOO_SLOW = "Raise server.timeout, or lower server.concurrency or sampling.max_tokens"
TOO_BUSY = "Lower server.concurrency, or raise server.retries"
BROKEN = "The server's own log says why"
ODD = (
    "Is this an OpenAI-compatible chat server? Its own log, or that of what stands before it, helps"
)
LOCAL = ("localhost", "127.0.0.1", "::1")


class Refused(Exception):
    """The server understood and said no; trying again would not help."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}")
        self.status, self.words = status, words


class Stopped(Exception):
    """Another request failed for good, so this one is given up."""


def check_url(url: str, key: str) -> None:
    """Refuse what is no base URL, or one that would put a secret into manifests."""
    try:
        parts = urlsplit(url)
    except ValueError:  # half an IPv6 address
        parts = urlsplit("")
    if parts.username or parts.password or parts.query:
        raise UsageError(
            f"{key}: a user, a password or a query in the URL would be written into manifests; "
            "put the key into the environment variable that server.api_key_env names"
        )
    if parts.scheme not in ("http", "https") or not _is_place(url):
        raise UsageError(f"{key}={url}: expected a base URL such as http://localhost:8000/v1")


def _is_place(url: str) -> bool:
    """Whether httpx would ask there: a host, and a port that is a number."""
    try:
        return bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        return False


class ChatServer:
    """One server, asked from many threads at once."""

    def __init__(self, url: str, server: Server) -> None:
        self.url, self.server = url.rstrip("/"), server
        self._key = _key(server.api_key_env)
        self._stop = threading.Event()
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=httpx.Timeout(server.timeout, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=server.concurrency),
            trust_env=urlsplit(url).hostname not in LOCAL,  # a proxy does not reach this machine
        )

    def models(self) -> dict[str, dict[str, Any]] | None:
        """What the server offers, by name; None where it has no list."""
        try:
            return self.ask("GET", "/models", _by_name)
        except Refused as refusal:
            if refusal.status in (404, 405, 501):
                return None
            raise self.explained(refusal) from None

    def ask(
        self,
        method: str,
        path: str,
        read: Callable[[dict[str, Any]], T],
        body: Mapping[str, Any] | None = None,
    ) -> T:
        """What `read` finds in the server's answer, tried as often as `server.retries` allows.

        `read` raises Odd where the answer is not what it should be.
        """
        trouble, advice = "", ""
        for attempt in range(self.server.retries + 1):
            if self._stop.is_set():
                raise Stopped
            pause = min(self.server.pause * 2**attempt, LONGEST_PAUSE) * random.uniform(0.75, 1.25)
            try:
                response = self._send(method, path, body)
                if response.status not in RETRIED or response.out_of_money:
                    return read(self._object(response))
                trouble = f"{response.status}: {self._clean(response.words())}"
                advice = TOO_BUSY if response.status == 429 else BROKEN
                pause = max(pause, response.asked_pause())
            except (httpx.TransportError, httpx.DecodingError) as error:
                trouble = f"{type(error).__name__}: {self._clean(str(error))}"
                slow = isinstance(error, httpx.ReadTimeout | httpx.PoolTimeout)
                advice = TOO_SLOW if slow else UNREACHED
            except Odd as odd:
                trouble = f"it cannot be read: {self._clean(plain(str(odd)))}"
                advice = ODD
            if attempt < self.server.retries:
                self._stop.wait(pause)
        raise StageFailed(
            f"{self.url} gave no answer in {self.server.retries + 1} tries, the last one: "
            f"{trouble}\n{advice}\nWhat was drawn before is kept: run it again."
        )

    def stop(self) -> None:
        """Give up what is under way: requests that wait to be tried again end at once."""
        self._stop.set()

    def explained(self, refusal: Refused) -> UsageError:
        """What a refusal means for the user."""
        said = f"{self.url} said {refusal}"
        if refusal.status in (401, 403):
            state = "is set, but not accepted" if self._key else "is not set"
            return UsageError(
                f"{said}\nIt wants a key: the environment variable {self.server.api_key_env} "
                f"{state}. Export the key there, or name another variable by server.api_key_env"
            )
        if refusal.status == 404:
            return UsageError(f"{said}\nCheck the model's name, and the URL: it mostly ends in /v1")
        return UsageError(said)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> Response:
        deadline = time.monotonic() + self.server.timeout
        with self._http.stream(method, self.url + path, json=body) as stream:
            return Response.read(stream, deadline)

    def _object(self, response: Response) -> dict[str, Any]:
        if not response.ok:
            raise Refused(response.status, self._clean(response.words()))
        if "json" not in response.type and not response.content.lstrip().startswith(b"{"):
            raise UsageError(
                f"{response.url} answered with something else than JSON ({response.type}): this is "
                "no OpenAI-compatible server, or the URL lacks its end (mostly /v1)"
            )
        return response.object()

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "<key>") if self._key else text


def _key(variable: str) -> str:
    key = os.environ.get(variable, "").strip()
    if not key.isascii() or not key.isprintable():
        raise UsageError(f"the environment variable {variable} holds something that is no key")
    return key


def _by_name(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    listed = found.get("data") or []
    if not isinstance(listed, list):
        raise Odd("data is no list of models")
    return {
        str(entry["id"]): entry for entry in listed if isinstance(entry, dict) and "id" in entry
    }
