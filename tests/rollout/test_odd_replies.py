"""What servers say otherwise than the API has it: read, asked for again, or named."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from pipeline.errors import StageFailed
from stages.rollout.chat_response import MOST_PAUSE, Response
from stages.rollout.server_engine import Served, ServerEngine
from stages.settings.generation import Server
from tests.rollout.chat_world import SAMPLING, ask, engine, said
from tests.shipped import shipped

DEEP = '{"choices": ' + "[" * 200_000 + "]" * 200_000 + "}"
JSON = {"content-type": "application/json"}


def text_of(world) -> str:
    ((completion,),) = engine(world, retries=1).generate(ask("3+4=?"), SAMPLING)
    return completion.text


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ({}, "choices is missing or null"),
        ({"choices": []}, "choices is a list of 0"),
        ({"choices": {}}, "choices is an object of 0"),
        ({"choices": [7]}, "choices is a list of 1"),
        ({"error": {"message": "overloaded"}}, "the server says 'overloaded'"),
        ({"choices": [{}]}, r"choices\[0\]\.message is missing or null"),
        ({"choices": [{"message": "7"}]}, r"choices\[0\]\.message is '7'"),
        (said(7), r"message\.content is 7"),
        (said([{"type": "image_url", "image_url": {}}]), r"content\[0\] is an object of 2"),
        (said("7", reasoning=7), r"message\.reasoning is 7"),
        (said("7", finish={"a": 1}), "finish_reason is an object of 1"),
        (said("7", finish="error"), "finish_reason is 'error'"),
        ([], "JSON that is no object"),
        ('{"choices": [', "is no JSON"),
        (DEEP, "nested too deep"),
        ('{"choices": ' + "9" * 5000 + "}", "is no JSON"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_chat_completion_is_asked_for_again_and_then_named(world, odd, named):
    world.extra_headers = JSON
    world.answer = lambda _, number: (200, odd if number == 1 else said("7"))
    assert text_of(world) == "7"
    world.answer = lambda *_: (200, odd)
    with pytest.raises(StageFailed, match=rf"{world.url} gave no answer in 2 tries.*{named}"):
        text_of(world)


@pytest.mark.parametrize(
    "asked",
    ["inf", "nan", "-5", "soon", "Mon, 99 Foo 2026 00:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"],
)
def test_a_pause_that_cannot_be_is_not_waited_for(world, asked):
    world.extra_headers = {"retry-after": asked}
    world.answer = lambda _, number: (429, "busy") if number == 1 else (200, said("7"))
    assert text_of(world) == "7"


@pytest.mark.parametrize("far", ["1e9", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_pause_has_an_end(world, far):
    response = Response(world.url, 429, "", httpx.Headers({"retry-after": far}), b"")
    assert response.asked_pause() == MOST_PAUSE


def test_a_date_to_wait_for_is_obeyed(world):
    when = datetime.now(UTC) + timedelta(seconds=2)
    world.extra_headers = {"retry-after": format_datetime(when, usegmt=True)}
    world.answer = lambda _, number: (503, "busy") if number == 1 else (200, said("7"))
    text_of(world)
    assert time.time() >= int(when.timestamp())


@pytest.mark.parametrize(
    "total", [-1, 10**12, 1e300, float("nan"), "five", True, {"a": 1}, [5], 10**200]
)
def test_a_count_of_tokens_that_cannot_be_counts_as_not_told(world, total, capsys):
    answer = said("7") | {"usage": {"completion_tokens": total, "completion_tokens_details": 7}}
    world.answer = lambda *_: (200, answer)
    ((completion,),) = engine(world).generate(ask("3+4=?"), SAMPLING)
    assert (completion.text, completion.token_ids) == ("7", [])
    assert "usage.completion_tokens is" in capsys.readouterr().err


@pytest.mark.parametrize("details", [{"reasoning_tokens": -3}, {"reasoning_tokens": "many"}, [1]])
def test_a_count_of_the_thought_that_cannot_be_is_estimated(world, details):
    answer = said("b" * 12, tokens=24, reasoning="a" * 20)
    answer["usage"]["completion_tokens_details"] = details
    world.answer = lambda *_: (200, answer)
    ((completion,),) = engine(world).generate(ask("3+4=?"), SAMPLING)
    assert len(completion.token_ids) == 24


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"reasoning_content": None, "reasoning": "3+4"}, "<think>3+4</think>7"),
        ({"reasoning_content": "", "reasoning": "3+4"}, "<think>3+4</think>7"),
        ({"reasoning_content": "", "reasoning": None}, "<think></think>7"),
        ({"reasoning_content": None, "reasoning": None}, "7"),
        (
            {"reasoning_details": [{"type": "reasoning.text", "text": "3+4"}]},
            "<think>3+4</think>7",
        ),
        (
            {
                "reasoning": None,
                "reasoning_details": [
                    {"type": "reasoning.summary", "summary": "a sum"},
                    {"type": "reasoning.encrypted", "data": "x"},
                ],
            },
            "<think>a sum</think>7",
        ),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}, "7"),
    ],
)
def test_a_thought_is_found_wherever_a_server_puts_it(world, message, text):
    world.answer = lambda *_: (200, said("7", **message))
    assert text_of(world) == text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "It is "}, {"type": "text", "text": "7"}], "It is 7"),
        (["7"], "7"),
        ([], ""),
        (
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": "3+4"}]},
                {"type": "text", "text": "7"},
            ],
            "<think>3+4</think>7",
        ),
        ([{"type": "thinking", "thinking": "3+4"}, {"text": "7"}], "<think>3+4</think>7"),
    ],
)
def test_a_content_in_parts_is_read_as_one_text(world, content, text):
    world.answer = lambda *_: (200, said(content))
    assert text_of(world) == text


def test_half_a_character_does_not_reach_the_rows(world):
    world.extra_headers = JSON
    world.answer = lambda *_: (200, json.dumps(said("7\ud800!")))
    assert text_of(world) == "7\ufffd!"


def test_a_servers_words_cannot_speak_to_the_terminal(world):
    world.answer = lambda *_: (503, {"error": {"message": "\x1b[2Jgone\r\nfor good"}})
    with pytest.raises(StageFailed, match=r"503: \[2Jgone for good\n") as failed:
        text_of(world)
    assert "\x1b" not in str(failed.value)


def test_an_answer_that_comes_in_drops_has_an_end():
    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            while True:
                connection.sendall(b" ")
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, args=(listener,), daemon=True).start()
        served = Served(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", "tiny")
        with pytest.raises(StageFailed, match="ReadTimeout: the answer came too slowly"):
            ServerEngine(served, shipped(Server, retries=0, timeout=0.3)).generate(
                ask("1"), SAMPLING
            )
