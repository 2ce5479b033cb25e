"""Rewards over HTTP, while an engine trains in an environment of its own.

    POST /score          {"rows": [{"ask", "prompt", "place", "completion"}, …]}
                         → {"rows": [{"reward": 1.0} or {"error": "row 17 …"}, …]}
                         Authorization: Bearer TOKEN            (reward_client.py)

The token is drawn anew by every process. It stands in a file that its owner alone can read, beside
the client. The service binds the loopback interface unless configuration names an address; what it
is sent it only scores, which verifiers do in their own processes (docs/threat-model.md).
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pipeline import threads
from pipeline.context import moved
from pipeline.errors import UsageError
from stages.engines.scoring import Scoring, asked_of
from stages.settings.engine import Engine

MOST_BYTES = 256 << 20  # of a request
DRAINED = 1 << 20  # bytes of one that is refused
IDLE_SECONDS = 120.0  # that a client may take for its words
EVERY_INTERFACE = ("0.0.0.0", "::", "")
SERVICE = "reward_service.json"


class RewardService:
    """`with RewardService(engine, scoring) as service: service.write_beside(client)`."""

    def __init__(self, engine: Engine, scoring: Scoring) -> None:
        """Binds. Raises UsageError where the address is taken, or not this machine's."""
        self.token = secrets.token_urlsafe(32)
        self._patience = engine.patience_minutes * 60
        handler = type("Bound", (_Handler,), {"scoring": scoring, "token": self.token})
        try:
            self._server = _Server((engine.address, engine.port), handler)
        except OSError as error:
            raise UsageError(
                f"engine.address={engine.address} engine.port={engine.port}: rewards cannot be "
                f"served there ({error}): name an address of this machine and a port that is free"
            ) from error
        host = socket.getfqdn() if engine.address in EVERY_INTERFACE else engine.address
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self._server.server_port}"

    def __enter__(self) -> RewardService:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        threads.start(self._thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def write_beside(self, client: Path) -> None:
        """Say where the service is, in a file that nobody else can read."""
        path = client.with_name(SERVICE)
        aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        aside.unlink(missing_ok=True)
        words = {"url": self.url, "token": self.token, "patience": self._patience}
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(words, file)
        aside.replace(path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # each of an engine's workers may ask at once

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)


class _Handler(BaseHTTPRequestHandler):
    scoring: Scoring
    token: str
    timeout = IDLE_SECONDS

    def do_POST(self) -> None:
        """Every answer is JSON."""
        moved()
        given, wanted = self.headers.get("Authorization", ""), f"Bearer {self.token}"
        length = int(self.headers.get("Content-Length") or 0)
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            return self._refuse(401, "this token is not the service's", length)
        if length > MOST_BYTES:
            return self._refuse(413, f"{length} bytes: send at most {MOST_BYTES}", length)
        try:
            asked = asked_of(json.loads(self.rfile.read(length))["rows"])
        except (ValueError, KeyError, TypeError) as error:
            return self._say(400, {"error": f"no rows to score: {error}"})
        return self._say(200, {"rows": self.scoring.answer(asked)})

    def _refuse(self, status: int, words: str, length: int) -> None:
        """What is sent is read up to a limit: closed before, the answer might not arrive."""
        self.rfile.read(min(length, DRAINED))
        self._say(status, {"error": words})

    def _say(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A line for each request says nothing."""
