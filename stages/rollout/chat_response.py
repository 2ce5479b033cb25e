"""An HTTP response as a chat server gives it: read within bounds, told in plain letters."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from stages.rollout.chat_reply import Odd

MOST_BYTES = 64 * 2**20  # of one answer
MOST_PAUSE = 600.0  # seconds that a server may ask for before it is tried again
SHOWN_CHARACTERS = 400  # of what a server says


@dataclass(frozen=True)
class Response:
    """What came back, whole."""

    url: str
    status: int
    reason: str
    headers: httpx.Headers
    content: bytes

    @classmethod
    def read(cls, stream: httpx.Response, deadline: float) -> Response:
        """The rest of a response. Raises Odd where it is too long, ReadTimeout at the deadline."""
        content = bytearray()
        for piece in stream.iter_bytes():
            content += piece
            if len(content) > MOST_BYTES:
                raise Odd(f"more than {MOST_BYTES >> 20} MiB")
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer came too slowly", request=stream.request)
        url, status, reason = str(stream.url), stream.status_code, stream.reason_phrase
        return cls(url, status, reason, stream.headers, bytes(content))

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def type(self) -> str:
        return str(self.headers.get("content-type", "no content type"))

    @property
    def out_of_money(self) -> bool:
        """OpenAI says 429 for a spent quota too, which no pause brings back."""
        return self.status == 429 and b"insufficient_quota" in self.content

    def object(self) -> dict[str, Any]:
        """The JSON object that it holds. Raises Odd."""
        try:
            found = json.loads(self.content)
        except (ValueError, RecursionError) as error:
            why = "nested too deep" if isinstance(error, RecursionError) else str(error)
            raise Odd(f"{self.type} that is no JSON: {why}") from None
        if not isinstance(found, dict):
            raise Odd(f"JSON that is no object: {plain(self.text)}")
        return found

    @property
    def text(self) -> str:
        return self.content[: 4 * SHOWN_CHARACTERS].decode(errors="replace")

    def words(self) -> str:
        """What the server says is wrong."""
        try:
            body = self.object()
        except Odd:
            return plain(self.text or self.reason)
        error = body.get("error", body)
        said = error.get("message") or error.get("detail") if isinstance(error, dict) else error
        return plain(said if isinstance(said, str) and said else self.text or self.reason)

    def asked_pause(self) -> float:
        """`Retry-After` in seconds, a number or a date; 0 where it says nothing that can be."""
        asked = self.headers.get("retry-after", "")
        try:
            seconds = float(asked)
        except ValueError:
            seconds = _until(asked)
        return min(max(seconds, 0.0), MOST_PAUSE) if math.isfinite(seconds) else 0.0


def plain(text: str) -> str:
    """A server's words for a message: one line, nothing that a terminal would obey."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[:SHOWN_CHARACTERS])
    return " ".join(shown.split())


def _until(date: str) -> float:
    """Seconds until an HTTP date; 0 where it is none."""
    try:
        when = parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (when - datetime.now(UTC)).total_seconds()
