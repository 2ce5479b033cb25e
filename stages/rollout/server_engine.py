"""An engine whose model is behind an OpenAI-compatible server: messages out, text back.

Such a server applies the chat template itself and mostly gives no token ids. So the "tokenizer" of
this engine writes a conversation as the bytes of its JSON, one id each: the ledger knows samples by
these as it does by tokens. What comes back is text with counts of tokens, and as many ids that
stand for nothing (NAMELESS). Thoughts that the server took out of the answer (`reasoning_content`
of DeepSeek, SGLang and earlier vLLM, `reasoning` of vLLM now and OpenRouter) are put back between
their tags. Its length is what the server counts as reasoning tokens, or else the thought's share of
the characters: an estimate. A server that reports no usage has completions of 0 tokens. vLLM's
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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from transformers import PreTrainedTokenizerBase

from pipeline.errors import UsageError
from stages.configs import Rollout, Sampling, Server
from stages.data.template import END_THINK, THINK, Message
from stages.rollout.chat_server import ChatServer, Refused
from stages.rollout.engine import PROMPT_TOO_LONG, Completion, GenerationRequest, OnProgress

NAMELESS = -1  # the id of a token that a server has counted and not told
TAG_IDS = {THINK: 256, END_THINK: 257}
SEEDS = 2**31  # servers differ in the largest seed that they take
DESCRIPTION = "config.json"
FINISH = {"max_tokens": "length", "eos": "stop", "end_turn": "stop", None: "stop"}

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


class ServerEngine:
    """Asks one server for completions, `server.concurrency` of them at a time."""

    def __init__(self, served: Served, server: Server) -> None:
        self.tokenizer = cast(PreTrainedTokenizerBase, ChatCodec())
        self._served, self._server = served, server
        self._chat = ChatServer(served.url, server)
        self._without: set[str] = set()  # parameters that the server does not take

    @classmethod
    def open(cls, folder: Path, rollout: Rollout) -> ServerEngine:
        return cls(Served.read(folder), rollout.server)

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        sampling: Sampling,
        on_progress: OnProgress | None = None,
    ) -> list[list[Completion]]:
        """n completions of each request, in the order of the requests."""
        if any(request.prefix_ids for request in requests):
            raise UsageError("a chat server cannot go on from a prefix: no budgets, no waits")
        pool = ThreadPoolExecutor(self._server.concurrency)
        try:
            answers = [
                [pool.submit(self._complete, request, i, sampling) for i in range(request.n)]
                for request in requests
            ]
            futures = [future for group in answers for future in group]
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                if on_progress:
                    on_progress(done)
        except BaseException:
            self._chat.stop()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return [[future.result() for future in group] for group in answers]

    def _complete(self, request: GenerationRequest, sample: int, sampling: Sampling) -> Completion:
        seed = request.seed + sample
        messages = json.loads(self.tokenizer.decode(request.prompt_ids))
        try:
            answer = self._ask(messages, seed, sampling)
        except Refused as refusal:
            if refusal.status not in (400, 413, 422) or not _TOO_LONG.search(refusal.words):
                raise self._chat.explained(refusal) from None
            print(f"left out: {refusal.words}", file=sys.stderr, flush=True)
            return Completion([], "", None, PROMPT_TOO_LONG, seed)
        return _completion(answer, seed, self._served.url)

    def _ask(self, messages: list[Message], seed: int, sampling: Sampling) -> dict[str, Any]:
        while True:
            without = frozenset(self._without)
            body = self._body(messages, seed, sampling, without)
            try:
                return self._chat.ask("POST", "/chat/completions", body)
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


def _completion(answer: dict[str, Any], seed: int, url: str) -> Completion:
    """A completion from a server's answer, the thought between its tags."""
    choices = answer.get("choices")
    if not choices or not isinstance(choices[0].get("message"), dict):
        raise UsageError(f"{url} answered without choices: {json.dumps(answer)[:400]}")
    message, reason = choices[0]["message"], choices[0].get("finish_reason")
    thought = message.get("reasoning_content", message.get("reasoning"))
    text = message.get("content") or ""
    finish = FINISH.get(reason, reason)
    if thought is not None:  # an empty one is a thought, too
        unfinished = finish == "length" and not text
        text = f"{THINK}{thought}" + ("" if unfinished else f"{END_THINK}{text}")
    return Completion(_ids(text, answer.get("usage") or {}), text, None, finish, seed)


def _ids(text: str, usage: dict[str, Any]) -> list[int]:
    """As many ids as the server counted tokens, with the end of the thought in its place."""
    total = int(usage.get("completion_tokens") or 0)
    thought, ended, rest = text.removeprefix(THINK).partition(END_THINK)
    if not ended or not total:
        return [NAMELESS] * total
    counted = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    thinking = counted or round(total * len(thought) / max(1, len(thought) + len(rest)))
    thinking = min(thinking, total - 1)
    return [*[NAMELESS] * thinking, TAG_IDS[END_THINK], *[NAMELESS] * (total - thinking - 1)]
