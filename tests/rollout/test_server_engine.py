"""The engine behind an OpenAI-compatible server, against a real HTTP server that misbehaves."""

from __future__ import annotations

import time

import pytest

from pipeline.errors import StageFailed, UsageError
from stages.rollout.chat_server import ChatServer, check_url
from stages.rollout.engine import PROMPT_TOO_LONG, GenerationRequest
from stages.rollout.server_engine import ChatCodec, Served, ServerEngine
from stages.scoring.forcing import Tags
from stages.settings.generation import Server
from tests.rollout.chat_world import SAMPLING, Reply, ask, engine, said
from tests.shipped import shipped

KEY = "sk-secret-of-the-tests"


def test_messages_and_sampling_arrive_as_they_were_meant(world):
    world.answer = lambda body, _: (200, said(body["messages"][0]["content"][::-1]))
    answers = engine(world).generate(ask("3+4=?", "等等", n=2, seed=7), SAMPLING)
    assert [[c.text for c in group] for group in answers] == [["?=4+3"] * 2, ["等等"] * 2]
    assert [[c.seed for c in group] for group in answers] == [[7, 8], [107, 108]]
    assert {body["seed"] for body in world.seen} == {7, 8, 107, 108}
    expected = {"model": "tiny", "temperature": 0.6, "top_p": 0.95, "max_tokens": 32}
    assert all(expected.items() <= body.items() for body in world.seen)
    assert all(len(c.token_ids) == 5 for group in answers for c in group)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_a_thought_that_the_server_took_out_goes_back_between_its_tags(world, field):
    world.answer = lambda *_: (200, said("<answer>7</answer>", **{field: "3+4=7,"}))
    ((completion,),) = engine(world).generate(ask("3+4=?"), SAMPLING)
    assert completion.text == "<think>3+4=7,</think><answer>7</answer>"
    assert completion.finish_reason == "stop"


def test_a_thought_that_never_ended_stays_open(world):
    world.answer = lambda *_: (200, said(None, "length", 32, reasoning_content="3+4, hmm,"))
    ((completion,),) = engine(world).generate(ask("3+4=?"), SAMPLING)
    assert (completion.text, completion.finish_reason) == ("<think>3+4, hmm,", "length")
    assert len(completion.token_ids) == 32


@pytest.mark.parametrize(("details", "thinking"), [({"reasoning_tokens": 6}, 6), ({}, 15)])
def test_the_length_of_a_thought_is_the_servers_count_or_its_share_of_the_text(
    world, details, thinking
):
    answer = said("b" * 12, tokens=24, reasoning="a" * 20)
    answer["usage"]["completion_tokens_details"] = details
    world.answer = lambda *_: (200, answer)
    ((completion,),) = engine(world).generate(ask("3+4=?"), SAMPLING)
    row = {"completion": completion.text, "token_ids": completion.token_ids}
    tags = Tags.of(ChatCodec())
    assert tags.thinking_tokens(row) == thinking
    assert len(completion.token_ids) == 24


def test_what_passes_is_tried_again_until_it_has_passed(world):
    troubles: list[Reply | None] = [
        (429, {"error": {"message": "slow down"}}),
        None,
        (503, "loading"),
    ]
    world.answer = lambda _, number: (
        troubles[number - 1] if number <= len(troubles) else (200, said("7"))
    )
    ((completion,),) = engine(world).generate(ask("3+4=?"), SAMPLING)
    assert completion.text == "7"
    assert len(world.seen) == 4
    assert world.seen[0] == world.seen[3]  # the same seed: the same sample


def test_a_server_that_says_how_long_to_wait_is_obeyed(world):
    world.extra_headers = {"retry-after": "0.3"}
    world.answer = lambda _, number: (429, "busy") if number == 1 else (200, said("7"))
    start = time.monotonic()
    engine(world).generate(ask("3+4=?"), SAMPLING)
    assert time.monotonic() - start >= 0.3


def test_an_answer_that_does_not_come_in_time_is_asked_for_again(world):
    def slow(_: dict, number: int) -> Reply:
        time.sleep(0.6 if number == 1 else 0.0)
        return 200, said("7")

    world.answer = slow
    ((completion,),) = engine(world, timeout=0.2).generate(ask("3+4=?"), SAMPLING)
    assert completion.text == "7"
    assert len(world.seen) == 2


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ((503, {"error": {"message": "no GPU left"}}), r"503: no GPU left\nThe server's own log"),
        ((429, {"message": "slow down"}), r"429: slow down\nLower server\.concurrency"),
        (None, r"RemoteProtocolError: .*\nIs the server up"),
    ],
)
def test_a_server_that_stays_away_is_named_with_what_to_do(world, reply, message):
    world.answer = lambda *_: reply
    with pytest.raises(StageFailed, match=rf"{world.url} gave no answer in 4 tries.* {message}"):
        engine(world).generate(ask("1", "2", "3", n=8), SAMPLING)


def test_a_server_that_is_not_there_is_named_with_what_to_do():
    gone = ServerEngine(
        Served("http://127.0.0.1:9/v1", "tiny"), shipped(Server, retries=1, pause=0.01)
    )
    with pytest.raises(StageFailed, match=r"127\.0\.0\.1:9/v1 gave no answer in 2 tries.*Connect"):
        gone.generate(ask("3+4=?"), SAMPLING)


def test_no_more_requests_are_under_way_than_allowed(world):
    def slow(*_: object) -> Reply:
        time.sleep(0.02)
        return 200, said("7")

    world.answer = slow
    finished: list[int] = []
    engine(world, concurrency=3).generate(ask("1", "2", n=8), SAMPLING, finished.append)
    assert world.most_at_once == 3
    assert finished == sorted(finished)
    assert finished[-1] == 16


def test_a_parameter_that_the_server_does_not_know_is_left_out_or_renamed(world):
    def strict(body: dict, _: int) -> Reply:
        if "max_tokens" in body:
            words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return 400, {"error": {"message": words}}
        if "seed" in body:
            return 422, {"detail": "seed: extra inputs are not permitted"}
        return 200, said("7")

    world.answer = strict
    asked = engine(world, concurrency=1)
    asked.generate(ask("3+4=?"), SAMPLING)
    assert len(world.seen) == 3
    assert world.seen[-1]["max_completion_tokens"] == 32
    asked.generate(ask("5+6=?"), SAMPLING)
    assert len(world.seen) == 4  # it has learnt


def test_a_prompt_that_the_model_cannot_see_whole_is_told_from_other_refusals(world):
    words = "This model's maximum context length is 512 tokens. However, you requested 900"

    def narrow(body: dict, _: int) -> Reply:
        if len(body["messages"][0]["content"]) > 20:
            return 400, {"error": {"message": words}}
        return 200, said("7")

    world.answer = narrow
    long, short = engine(world).generate(ask("3" * 40, "3+4=?"), SAMPLING)
    assert (long[0].finish_reason, short[0].finish_reason) == (PROMPT_TOO_LONG, "stop")
    world.answer = lambda *_: (400, {"error": {"message": "temperature must be 1"}})
    with pytest.raises(UsageError, match="said 400: temperature must be 1"):
        engine(world).generate(ask("3+4=?"), SAMPLING)


def test_the_key_is_sent_and_never_shown(world, monkeypatch):
    monkeypatch.setenv("KEY_OF_THE_TESTS", KEY)
    world.answer = lambda *_: (401, {"error": {"message": f"Incorrect API key: {KEY}"}})
    asked = engine(world, api_key_env="KEY_OF_THE_TESTS")
    with pytest.raises(UsageError, match="KEY_OF_THE_TESTS is set, but not accepted") as refused:
        asked.generate(ask("3+4=?"), SAMPLING)
    assert KEY not in str(refused.value)
    assert world.keys == [f"Bearer {KEY}"]
    monkeypatch.delenv("KEY_OF_THE_TESTS")
    with pytest.raises(UsageError, match="KEY_OF_THE_TESTS is not set"):
        engine(world, api_key_env="KEY_OF_THE_TESTS").generate(ask("3+4=?"), SAMPLING)
    assert world.keys[-1] is None


def test_a_spent_quota_is_not_waited_for(world):
    error = {"message": "You exceeded your quota", "code": "insufficient_quota"}
    world.answer = lambda *_: (429, {"error": error})
    with pytest.raises(UsageError, match="said 429: You exceeded your quota"):
        engine(world).generate(ask("3+4=?"), SAMPLING)
    assert len(world.seen) == 1


def test_what_is_no_such_server_is_told(world):
    world.answer = lambda *_: (200, "<html>welcome</html>")
    with pytest.raises(UsageError, match=r"something else than JSON \(text/html\).*mostly /v1"):
        engine(world).generate(ask("3+4=?"), SAMPLING)
    world.answer = lambda *_: (404, {"error": {"message": "The model `tiny` does not exist."}})
    with pytest.raises(UsageError, match=r"said 404: The model `tiny` does not exist"):
        engine(world).generate(ask("3+4=?"), SAMPLING)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("localhost:8000", "expected a base URL such as http://localhost:8000/v1"),
        ("https://me:pass@host/v1", "would be written into manifests"),
        ("https://host/v1?key=abc", "would be written into manifests"),
        ("htp://me:pass@host/v1", "would be written into manifests"),
        ("http://[::1/v1", "expected a base URL"),
        ("http://host:abc/v1", "expected a base URL"),
    ],
)
def test_a_url_that_is_none_or_holds_a_secret_is_refused(url, message):
    with pytest.raises(UsageError, match=message) as refused:
        check_url(url, "stages.chat.url")
    assert "pass@" not in str(refused.value)


def test_a_server_lists_its_models(world):
    assert ChatServer(world.url, shipped(Server, retries=0)).models() == {
        "tiny": {"id": "tiny", "max_model_len": 512}
    }


def test_a_prefix_cannot_be_continued_through_a_chat(world):
    (request,) = ask("3+4=?")
    cut = GenerationRequest(request.prompt_ids, 1, 0, [1, 2])
    with pytest.raises(UsageError, match="cannot go on from a prefix"):
        engine(world).generate([cut], SAMPLING)
