"""An engine whose model is behind an OpenAI-compatible server: messages out, text back.

Such a server applies the chat template itself and mostly gives no token ids. So the "tokenizer" of
this engine writes a conversation as the bytes of its JSON, one id each: the ledger knows samples by
these as it does by tokens. What comes back is text with counts of tokens, and as many ids that
stand for nothing (NAMELESS). Thoughts that the server took out of the answer (`reasoning_content`
of DeepSeek, SGLang and earlier vLLM, `reasoning` of vLLM now, `reasoning_details` of OpenRouter, a
part of the content of Mistral) are put back between their tags (chat_reply.py). Its length is what
the server counts as reasoning tokens, or else the thought's share of the characters: an estimate. A
server that reports no usage, or one that cannot be, has completions of 0 tokens. vLLM's
`deepseek_r1` parser takes a reply without tags for a thought, so there it has no answer: a model
that does not always think is better served without a parser.

Each sample is a request of its own, with its seed where the server takes one: some refuse it and
others ignore it, and then samples cannot be drawn again; the ledger keeps the first ones. A prefix
cannot be continued through a chat, so there are no thinking budgets here.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from transformers import PreTrainedTokenizerBase

from pipeline import notices
from pipeline.errors import UsageError
from pipeline.threads import Executor
from stages.chat.template import END_THINK, THINK, Message
from stages.rollout.chat_reply import Reply, read_reply
from stages.rollout.chat_server import ChatServer, Refused
from stages.rollout.collective import Meeting
from stages.rollout.engine import (
    PROMPT_TOO_LONG,
    Completion,
    Engine,
    Finished,
    GenerationRequest,
    tell_spent,
)
from stages.settings.generation import Rollout, Sampling, Server

NAMELESS = -1  # the id of a token that a server has counted and not told
TAG_IDS = {THINK: 256, END_THINK: 257}
SEEDS = 2**31  # servers differ in the largest seed that they take
DESCRIPTION = "config.json"

_TOO_LONG = re.compile(
    r"context_length_exceeded|(context|sequence|model|input) ?(length|window|len)|max_model_len|"
    r"prompt is too long|too many tokens|reduce the length",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Served:
    """Where a model is served and under which name; kept as the artifact's model/config.json."""

    url: str
    model: str

    @classmethod
    def read(cls, folder: Path) -> Served:
        facts = json.loads((folder / DESCRIPTION).read_text())
        return cls(facts["url"], facts["model"])

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / DESCRIPTION).write_text(json.dumps(asdict(self), indent=1) + "\n")


class ChatCodec:
    """In place of a tokenizer: conversations as the bytes of their JSON, tags as one id each."""

    def apply_chat_template(self, messages: Sequence[Message], **_: Any) -> str:
        return json.dumps(list(messages), ensure_ascii=False)

    def __call__(self, texts: Sequence[str], **_: Any) -> SimpleNamespace:
        return SimpleNamespace(input_ids=[list(text.encode()) for text in texts])

    def encode(self, text: str, **_: Any) -> list[int]:
        parts = re.split(f"({'|'.join(TAG_IDS)})", text)
        return [
            i for part in parts for i in ([TAG_IDS[part]] if part in TAG_IDS else part.encode())
        ]

    def decode(self, ids: Sequence[int], **_: Any) -> str:
        return bytes(i for i in ids if 0 <= i < 256).decode(errors="replace")


class ServerEngine(Engine):
    """Asks one server for completions, `server.concurrency` of them at a time."""

    def __init__(self, served: Served, server: Server) -> None:
        self.tokenizer = cast(PreTrainedTokenizerBase, ChatCodec())
        self._served, self._server = served, server
        self._chat = ChatServer(served.url, server)
        self._without: set[str] = set()  # parameters that the server does not take
        self._doubted = False  # whether its counts of tokens were told to be no such

    @classmethod
    def open(cls, folder: Path, rollout: Rollout) -> ServerEngine:
        return cls(Served.read(folder), rollout.server)

    def stream(
        self, requests: Sequence[GenerationRequest], sampling: Sampling
    ) -> Iterator[Finished]:
        """Each completion when it and those of its request before it are there."""
        if any(request.prefix_ids for request in requests):
            raise UsageError("a chat server cannot go on from a prefix: no budgets, no waits")
        pool = Executor(self._server.concurrency)
        try:
            waiting = [
                [pool.submit(self._complete, request, i, sampling) for i in range(request.n)]
                for request in requests
            ]
            owners = {future: number for number, group in enumerate(waiting) for future in group}
            for future in as_completed(owners):
                future.result()
                number = owners[future]
                if ready := _take_finished(waiting[number]):
                    tell_spent([], [one.token_ids for one in ready])
                    yield [(number, completion) for completion in ready]
        except BaseException:
            self._chat.stop()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def sync(self, folder: Path) -> None:
        """A served model has the weights that its server gave it."""
        raise UsageError(f"{self._served.url}: a served model takes no weights from here")

    def receive(self, meeting: Meeting, rank: int) -> None:
        """The same."""
        raise UsageError(f"{self._served.url}: a served model takes no weights from here")

    def _complete(self, request: GenerationRequest, sample: int, sampling: Sampling) -> Completion:
        seed = request.seed + sample
        messages = json.loads(self.tokenizer.decode(request.prompt_ids))
        try:
            reply = self._ask(messages, seed, sampling)
        except Refused as refusal:
            if refusal.status not in (400, 413, 422) or not _TOO_LONG.search(refusal.words):
                raise self._chat.explained(refusal) from None
            print(f"left out: {refusal.words}", file=sys.stderr, flush=True)
            return Completion([], "", None, PROMPT_TOO_LONG, seed)
        self._doubt(reply)
        return Completion(_ids(reply), reply.text, None, reply.finish_reason, seed)

    def _doubt(self, reply: Reply) -> None:
        """Say once that lengths are not told."""
        if reply.doubt and not self._doubted:
            self._doubted = True
            notices.warn(
                f"{self._served.url}: {reply.doubt}, so lengths are not known from there on"
            )

    def _ask(self, messages: list[Message], seed: int, sampling: Sampling) -> Reply:
        limit = sampling.max_tokens
        while True:
            without = frozenset(self._without)
            body = self._body(messages, seed, sampling, without)
            try:
                return self._chat.ask(
                    "POST", "/chat/completions", lambda said: read_reply(said, limit), body
                )
            except Refused as refusal:
                name = "max_tokens" if "max_completion_tokens" in refusal.words else "seed"
                if refusal.status not in (400, 422) or name not in refusal.words or name in without:
                    raise
                self._without.add(name)

    def _body(
        self, messages: list[Message], seed: int, sampling: Sampling, without: frozenset[str]
    ) -> dict[str, Any]:
        """The request as the servers know it: OpenAI's own models renamed max_tokens."""
        limit = "max_completion_tokens" if "max_tokens" in without else "max_tokens"
        body = {
            "model": self._served.model,
            "messages": messages,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            limit: sampling.max_tokens,
        }
        if "seed" not in without:
            body["seed"] = seed % SEEDS
        if sampling.top_k:
            body["top_k"] = sampling.top_k  # not OpenAI's, but vLLM and SGLang take it
        return body


def _take_finished(waiting: list[Future[Completion]]) -> list[Completion]:
    """Take out the first ones, up to one that is not finished."""
    count = next((i for i, future in enumerate(waiting) if not future.done()), len(waiting))
    ready = [future.result() for future in waiting[:count]]
    del waiting[:count]
    return ready


def _ids(reply: Reply) -> list[int]:
    """As many ids as the server counted tokens, with the end of the thought in its place."""
    total = reply.tokens
    thought, ended, rest = reply.text.removeprefix(THINK).partition(END_THINK)
    if not ended or not total:
        return [NAMELESS] * total
    share = round(total * len(thought) / max(1, len(thought) + len(rest)))
    thinking = min(reply.thinking or share, total - 1)
    return [*[NAMELESS] * thinking, TAG_IDS[END_THINK], *[NAMELESS] * (total - thinking - 1)]
