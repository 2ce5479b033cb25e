"""A real HTTP server whose answers a test chooses, and the engine that asks it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from stages.rollout.engine import GenerationRequest
from stages.rollout.server_engine import ChatCodec, Served, ServerEngine
from stages.settings.generation import Sampling, Server
from tests.shipped import shipped

SAMPLING = Sampling(temperature=0.6, top_p=0.95, max_tokens=32)
Reply = tuple[int, dict | str]


class World:
    """A server whose answers a test chooses; `seen` holds the bodies of the chats."""

    def __init__(self) -> None:
        self.seen: list[dict] = []
        self.keys: list[str | None] = []  # the Authorization of each
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.answer: Callable[[dict, int], Reply | None] = lambda body, number: (200, said("7"))
        self.extra_headers: dict[str, str] = {}
        self.url = ""


def said(content: str | None, finish: str = "stop", tokens: int = 5, **message) -> dict:
    """A chat completion as servers write it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}}
    usage = {"prompt_tokens": 9, "completion_tokens": tokens, "total_tokens": tokens + 9}
    return {"choices": [choice | {"finish_reason": finish}], "usage": usage}


class Handler(BaseHTTPRequestHandler):
    world: World

    def do_GET(self) -> None:
        self._reply((200, {"object": "list", "data": [{"id": "tiny", "max_model_len": 512}]}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        world = self.world
        with world.lock:
            world.seen.append(body)
            world.keys.append(self.headers.get("authorization"))
            number = len(world.seen)
            world.at_once += 1
            world.most_at_once = max(world.most_at_once, world.at_once)
        reply = world.answer(body, number)
        with world.lock:
            world.at_once -= 1
        if reply is None:
            self.connection.close()  # as a server that dies
        else:
            self._reply(reply)

    def _reply(self, reply: Reply) -> None:
        status, content = reply
        text = content if isinstance(content, str) else json.dumps(content)
        kind = "text/html" if isinstance(content, str) else "text/json"
        headers = {"content-type": kind} | self.world.extra_headers
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


def engine(world: World, **changes) -> ServerEngine:
    settings = {"retries": 3, "pause": 0.01, "timeout": 5.0, "concurrency": 4}
    return ServerEngine(Served(world.url, "tiny"), shipped(Server, **settings | changes))


def ask(*questions: str, n: int = 1, seed: int = 0) -> list[GenerationRequest]:
    codec = ChatCodec()
    texts = [codec.apply_chat_template([{"role": "user", "content": q}]) for q in questions]
    ids = codec(texts).input_ids
    return [GenerationRequest(prompt, n, seed + 100 * i) for i, prompt in enumerate(ids)]
