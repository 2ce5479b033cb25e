"""RL with vLLM, for real on a CPU."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from stages.kinds.pretrain.kind import ModelShape
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import Importance, RLConfig, Validation
from stages.rl.groups import GroupDrawer
from stages.rl.policy_engine import SyncedPolicy
from stages.rollout.engine import GenerationRequest
from stages.rollout.transformers_engine import TransformersEngine
from stages.settings.generation import Rollout, Sampling
from stages.settings.training import Lora
from stages.tiny.model import build_model
from stages.tiny.problems import generate
from stages.training import common
from tests.shipped import shipped
from tests.training.conftest import speaking_problems, taught
from tests.training.test_rl_engines import config, curve

pytestmark = pytest.mark.skipif(
    find_spec("vllm") is None, reason="vLLM is not installed here: make vllm"
)
VLLM = shipped(Rollout, "vllm", kv_cache_gib=0.25)
ROUNDING = 1e-5


@pytest.fixture(scope="module")
def inputs(tiny_model_dir, tmp_path_factory) -> Any:
    """What an RL stage takes, on a model whose heads vLLM on a CPU can have."""
    folder = tmp_path_factory.mktemp("vllm")
    torch.manual_seed(0)
    tokenizer = common.load_tokenizer(tiny_model_dir)
    model = build_model(ModelShape("qwen2", 64, 128, 2, 2, 1), tokenizer)
    return taught(model, tiny_model_dir, folder / "model")


@pytest.fixture
def given(inputs: Path, make_artifact: Any) -> dict[str, Any]:
    return {
        "init_from": (make_artifact("model", "base", model_dir=inputs),),
        "data_from": (make_artifact("problems", "problems", rows=speaking_problems()),),
    }


def with_vllm(**changes: Any) -> RLConfig:
    weighed = Importance("token_truncate", None, 2.0)
    return config(**({"rollout": VLLM, "importance": weighed, "save_steps": 10} | changes))


def test_ten_steps_keep_the_engine_at_rounding_from_the_policy_and_its_greedy_words_the_same(
    given, make_context, make_artifact, monkeypatch
):
    prompts = [[1, 2, 3, 4], [5, 6, 7]]
    requests = [GenerationRequest(ids, 1, 0) for ids in prompts]
    greedy = Sampling(temperature=0.0, max_tokens=24)
    said: dict[int, Any] = {}
    close = SyncedPolicy.close

    def ask_and_close(self: SyncedPolicy) -> None:
        said.update(pair for batch in self.answer(requests, greedy) for pair in batch)
        close(self)

    monkeypatch.setattr(SyncedPolicy, "close", ask_and_close)
    held = make_artifact("problems", "held", rows=generate("math", "en", 2, 0, "settling"))
    looking = shipped(Validation, every=10, samples=1, temperature=1.0)
    context = make_context()
    settings = with_vllm(max_steps=10, validation=looking)
    rl.run(settings, {**given, "validate_on": (held,)}, context)
    gaps = curve(context, "sampling_logp_difference")
    assert len(gaps) == 10
    assert max(gaps) < ROUNDING
    path = context.output / "model"
    plain = TransformersEngine.open(path, shipped(Rollout, dtype="float32"), threads=1)
    for place, (completion,) in enumerate(plain.generate(requests, greedy)):
        assert said[place].token_ids == completion.token_ids


def test_an_engine_that_dies_after_a_broadcast_begins_with_the_weights_in_training(
    given, make_context, monkeypatch
):
    score, killed = GroupDrawer._score, []

    def kill_once(self: Any, places: Any, batch: Any, step: int) -> Any:
        if step == 2 and not killed:
            killed.extend(multiprocessing.active_children())
            for engine in killed:
                engine.kill()
        return score(self, places, batch, step)

    monkeypatch.setattr(GroupDrawer, "_score", kill_once)
    context = make_context()
    sent = replace(VLLM, own_gpus=1, weights="broadcast")
    rl.run(with_vllm(max_steps=4, rollout=sent), given, context)
    assert killed
    assert len(list((context.work / "policy").glob("again*"))) == 1
    assert max(curve(context, "sampling_logp_difference")) < ROUNDING


def test_adapters_and_a_rollout_drawn_ahead_reach_vllm_as_well(given, make_context):
    context = make_context()
    lora = shipped(Lora, rank=4, alpha=8)
    rl.run(with_vllm(max_steps=4, rollout_ahead=1, lora=lora), given, context)
    assert max(curve(context, "sampling_logp_difference")) < ROUNDING
    assert max(curve(context, "staleness")) > 1e-4
