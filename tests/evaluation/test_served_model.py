"""`r1 eval` on a chat model behind vLLM's own server, beside the same model in our engine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from pipeline.errors import UsageError
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.evaluate.run import run
from stages.kinds.served_model.kind import ServedModelConfig
from stages.kinds.served_model.run import run as find_server
from stages.rows.schemas import read_rows
from stages.settings.generation import Rollout, Sampling, Server
from tests.shipped import shipped

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-of-the-tests"
GREEDY = Sampling(temperature=0.0, max_tokens=96)

pytestmark = pytest.mark.skipif(
    find_spec("vllm") is None, reason="vLLM is not installed here: make vllm"
)


@pytest.fixture(scope="module")
def base() -> Path:
    """The trained base that ships with the repository."""
    (model,) = (ROOT / "artifacts/base").glob("*/model")
    return model


@pytest.fixture(scope="module")
def url(base, tmp_path_factory) -> Iterator[str]:
    """vLLM's OpenAI-compatible server on the base, with a key and a reasoning parser."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    settings = f"--model {base} --served-model-name tiny --host 127.0.0.1 --port {port} "
    settings += "--dtype float32 --enforce-eager --max-model-len 256 "
    settings += f"--reasoning-parser deepseek_r1 --api-key {KEY}"
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *settings.split()]
    log = tmp_path_factory.mktemp("vllm") / "log"
    environment = os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=environment, start_new_session=True
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(address, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise AssertionError(log.read_text()[-3000:])


@pytest.fixture
def server(monkeypatch) -> Server:
    monkeypatch.setenv("KEY_OF_THE_TESTS", KEY)
    return shipped(Server, api_key_env="KEY_OF_THE_TESTS", retries=1, pause=0.1)


@pytest.fixture
def served(url, server, make_context, tmp_path):
    """The published artifact of the kind served_model."""
    from pipeline.artifact import Artifact

    context = make_context(tmp_path / "served")
    config = shipped(ServedModelConfig, "served_model", url=url, model="tiny", server=server)
    outputs = find_server(config, {}, context)
    assert outputs.facts["sees_tokens"] == 256
    manifest = {"stage": "chat", "type": "served_model", "fingerprint": "c" * 16, "facts": {}}
    return Artifact(context.output, manifest)


@pytest.fixture
def config() -> EvaluateConfig:
    return shipped(
        EvaluateConfig,
        "evaluate",
        sampling=GREEDY,
        samples_per_problem=1,
        seed=1,
        rollout=shipped(Rollout, dtype="float32"),
    )


def problems() -> list[dict]:
    from stages.tiny.problems import generate

    return [
        row
        for domain in ("math", "logic", "stem", "general")
        for language in ("en", "zh")
        for row in generate(domain, language, 4, seed=3, split="settling")
    ]


def test_a_served_model_gives_the_greedy_answers_of_the_model_itself(
    url, served, server, base, config, make_artifact, make_context, tmp_path
):
    data = make_artifact("problems", "heldout", rows=problems())
    local = make_context(tmp_path / "local")
    model = make_artifact("model", "base", model_dir=base)
    run(config, {"evaluates": (model,), "data_from": (data,)}, local)

    remote = make_context(tmp_path / "remote")
    asked = replace(config, rollout=replace(config.rollout, engine="server", server=server))
    outputs = run(asked, {"evaluates": (served,), "data_from": (data,)}, remote)

    shared = ("id", "completion", "answer", "score", "finish_reason", "tokens")
    ours, theirs = (
        [
            {name: row[name] for name in shared}
            for row in read_rows(context.output / "samples.parquet")
        ]
        for context in (local, remote)
    )
    ended = ["</think>" in row["completion"] for row in ours]
    assert [row for row, e in zip(theirs, ended, strict=True) if e] == [
        row for row, e in zip(ours, ended, strict=True) if e
    ]
    assert sum(ended) > 20
    # vLLM's parser takes a reply without tags for a thought, and the server tells no more.
    for their, our in zip(theirs, ours, strict=True):
        assert their["completion"].replace("<think>", "").replace("</think>", "") == (
            our["completion"].replace("<think>", "").replace("</think>", "")
        )
    assert outputs.funnel["drawn"] == len(ours)
    lengths = [
        [row["thinking_length"] for row in read_rows(context.output / "problems.parquet")]
        for context in (local, remote)
    ]
    compared = [pair for pair, e in zip(zip(*lengths, strict=True), ended, strict=True) if e]
    assert all(abs(one - other) <= 1 for one, other in compared)


def test_prompts_that_the_served_model_cannot_see_whole_are_left_out_and_counted(
    served, server, config, make_artifact, make_context
):
    rows = problems()[:3]
    rows[1] |= {"prompt": [{"role": "user", "content": "3+4=? " * 200}]}
    data = make_artifact("problems", "heldout", rows=rows)
    asked = replace(config, rollout=shipped(Rollout, engine="server", server=server))
    context = make_context()
    outputs = run(asked, {"evaluates": (served,), "data_from": (data,)}, context)
    assert outputs.facts["prompts_too_long"] == 1
    assert len(read_rows(context.output / "problems.parquet")) == 2


def test_a_model_that_is_not_offered_and_a_wrong_key_are_told(url, server, make_context):
    wrong = shipped(ServedModelConfig, "served_model", url=url, model="tinny", server=server)
    with pytest.raises(UsageError, match=r"model=tinny: .* does not offer it\. It offers: tiny"):
        find_server(wrong, {}, make_context())
    keyless = replace(wrong, model="tiny", server=replace(server, api_key_env="NO_SUCH_VARIABLE"))
    with pytest.raises(UsageError, match="NO_SUCH_VARIABLE is not set"):
        find_server(keyless, {}, make_context())


def test_thinking_budgets_and_another_engine_are_refused(
    served, server, config, make_artifact, make_context
):
    inputs = {
        "evaluates": (served,),
        "data_from": (make_artifact("problems", "heldout", rows=problems()[:1]),),
    }
    asked = replace(config, rollout=shipped(Rollout, engine="server", server=server), budgets=[8])
    with pytest.raises(
        UsageError, match=r"stages\.stage\.budgets: is set, and chat is behind a chat server"
    ):
        run(asked, inputs, make_context())
    with pytest.raises(
        UsageError, match=r"rollout\.engine: is 'transformers': expected one of server"
    ):
        run(config, inputs, make_context())


def test_r1_eval_asks_a_server_and_writes_the_key_nowhere(url, tmp_path):
    root = tmp_path / "outputs"
    environment = os.environ | {"R1_ROOT": str(root), "OPENAI_API_KEY": KEY}
    command = [sys.executable, "-m", "stages", "eval", f"tiny@{url}", "heldout", "--json"]
    command += ["-k", "2", "--limit", "4"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    (facts,) = json.loads(done.stdout)["evaluations"]["heldout"].values()
    assert (facts["problems"], facts["samples_per_problem"]) == (4, 2)
    files = [path for path in root.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in done.stdout + done.stderr
