"""A chat server as the thing evaluated, where no model is needed: words, and a server that dies."""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.artifact import Artifact
from pipeline.errors import StageFailed, UsageError
from pipeline.graph import build
from pipeline.identity import config_identity
from stages.commands.eval.command import PROJECT
from stages.commands.eval.request import read_request
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.evaluate.run import run
from stages.kinds.problems.kind import ProblemsConfig
from stages.kinds.served_model.kind import ServedModelConfig
from stages.kinds.served_model.run import run as find_server
from stages.kinds.sft.kind import SFTConfig
from stages.registry import REGISTRY
from stages.rows.schemas import read_rows
from stages.settings.generation import Rollout, Sampling, Server
from tests.shipped import shipped

WORD = "org/chat-7b@http://localhost:8000/v1"


def asked(*words: str, **changes) -> dict:
    """The stages that the words of `r1 eval` come to."""
    settings = {"k": None, "limit": None, "paper": False, "json": False, "revision": None}
    request = read_request(PROJECT, argparse.Namespace(words=words, **settings | changes))
    return {name: request.composed.stages[name] for name in request.composed.root["only"]}


def test_a_name_at_a_url_is_a_served_model_evaluated_through_its_server():
    stages = asked(WORD, "heldout", "server.concurrency=4", "server.api_key_env=MY_KEY")
    model = stages["org_chat_7b_at_localhost_8000"]
    assert isinstance(model, ServedModelConfig)
    assert (model.model, model.url) == ("org/chat-7b", "http://localhost:8000/v1")
    assert (model.server.concurrency, model.server.api_key_env) == (4, "MY_KEY")
    evaluation = stages["org_chat_7b_at_localhost_8000_on_heldout"]
    assert evaluation.rollout.engine == "server"
    assert evaluation.rollout.server == model.server
    assert evaluation.rollout.shard_samples == 16  # four rounds of requests, not 2,048 samples


def test_other_weights_under_the_same_name_are_another_model_and_another_way_to_ask_is_not():
    def identity(**changes) -> dict:
        model = shipped(
            ServedModelConfig, "served_model", url="http://host/v1", model="chat", seed=0
        )
        return config_identity(replace(model, **changes)).config

    assert identity(revision="step 200") != identity()
    assert identity(server=shipped(Server, concurrency=99, api_key_env="OTHER")) == identity()


class Mortal:
    """Answers every question with 7, until it has given `lives` answers."""

    def __init__(self) -> None:
        self.lives = 10**9
        self.answered = 0
        self.lock = threading.Lock()
        self.url = ""


@pytest.fixture
def mortal() -> Iterator[Mortal]:
    world = Mortal()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(200, {"data": [{"id": "tiny"}]})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            with world.lock:
                alive = world.answered < world.lives
                world.answered += alive
            message = {"role": "assistant", "content": "<answer>7</answer>"}
            choices = [{"message": message, "finish_reason": "stop"}]
            self.reply(200 if alive else 503, {"choices": choices, "usage": {}})

        def reply(self, status: int, content: dict) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield world
    server.shutdown()
    server.server_close()


def test_a_server_that_dies_on_the_way_costs_no_more_than_what_was_under_way(
    mortal, problems, make_artifact, make_context
):
    server = shipped(Server, concurrency=2, retries=1, pause=0.01)
    context = make_context()
    find_server(
        shipped(ServedModelConfig, "served_model", url=mortal.url, model="tiny", server=server),
        {},
        context,
    )
    manifest = {"stage": "chat", "type": "served_model", "fingerprint": "c" * 16, "facts": {}}
    inputs = {
        "evaluates": (Artifact(context.output, manifest),),
        "data_from": (make_artifact("problems", "heldout", rows=problems),),
    }
    rollout = shipped(Rollout, engine="server", shard_samples=8, server=server)
    sampling = Sampling(temperature=1.0, max_tokens=40)
    config = shipped(
        EvaluateConfig,
        "evaluate",
        sampling=sampling,
        samples_per_problem=8,
        seed=1,
        rollout=rollout,
    )
    mortal.lives = 20  # of 48: two shards of 8 are whole, the third is not
    with pytest.raises(StageFailed, match="gave no answer in 2 tries"):
        run(config, inputs, context)
    mortal.lives, before = 10**9, mortal.answered
    outputs = run(config, inputs, context)
    assert outputs.funnel["reused"] == 16
    assert mortal.answered - before == 32
    rows = read_rows(context.output / "samples.parquet")
    assert len(rows) == 48
    assert {row["completion"] for row in rows} == {"<answer>7</answer>"}
    assert outputs.facts["by_domain"]["math"]["pass_at_1"]["value"] == pytest.approx(1 / 5)


def test_a_served_model_can_be_evaluated_and_nothing_else():
    stages = {
        "heldout": ProblemsConfig("problems"),
        "chat": shipped(ServedModelConfig, "served_model"),
        "judged": shipped(EvaluateConfig, "evaluate", evaluates="chat", data_from=["heldout"]),
    }
    assert [edge.stage for edge in build(stages, REGISTRY).nodes["judged"].edges] == [
        "heldout",
        "chat",
    ]
    nothing = shipped(EvaluateConfig, "evaluate", data_from=["heldout"])
    with pytest.raises(UsageError, match=r"judged\.evaluates: .* needs an input of type .*model"):
        build(stages | {"judged": nothing}, REGISTRY)
    trained = shipped(SFTConfig, "sft", init_from="chat", data_from=[])
    with pytest.raises(UsageError, match=r"found `chat`, which produces `served_model`"):
        build(stages | {"trained": trained}, REGISTRY)
