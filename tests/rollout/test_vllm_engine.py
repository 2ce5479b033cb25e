"""vLLM for real, on two small models on a CPU, beside the transformers engine and a plain model.

Each vLLM runs in a process of its own, as in a stage: it would change this one's threads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from pipeline.errors import StageFailed, UsageError
from stages.kinds.pretrain.kind import ModelShape
from stages.rollout.engine import GenerationRequest
from stages.rollout.fleet import Fleet
from stages.rollout.opening import open_engine
from stages.rollout.vllm_engine import VLLMEngine
from stages.settings.generation import Rollout, Sampling
from stages.tiny.model import build_model
from stages.tiny.tokenizer import save_tokenizer
from stages.training.common import load_tokenizer
from tests.shipped import shipped

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
VLLM = shipped(Rollout, "vllm", "float32", kv_cache_gib=0.25, max_model_tokens=256)
GREEDY = Sampling(temperature=0.0, max_tokens=48)
COOL = Sampling(temperature=0.6, top_p=0.8, max_tokens=48)
PROMPTS = (
    "<|user|>小明有三个苹果，又买了四个，一共有几个？<|assistant|>",
    "<|user|>What is 3 + 14?<|assistant|>",
    "3 + 14 = ",
    "def add(a, b):",
)

needs_vllm = pytest.mark.skipif(
    find_spec("vllm") is None, reason="vLLM is not installed here: make vllm"
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The trained base (Qwen2), and a Llama of random weights with its tokenizer."""
    (base,) = (ARTIFACTS / "base").glob("*/model")
    llama = tmp_path_factory.mktemp("llama") / "model"
    tokenizer = load_tokenizer(base)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        build_model(ModelShape("llama", 96, 192, 2, 3, 1), tokenizer).save_pretrained(llama)
    save_tokenizer(tokenizer, llama)
    return {"qwen2": base, "llama": llama}


@pytest.fixture(scope="module")
def fleets(models):
    opened = {name: Fleet.open(path, VLLM, threads=1) for name, path in models.items()}
    yield opened
    for fleet in opened.values():
        fleet.close()


def requests_for(engine, n=2):
    ids = engine.tokenizer(list(PROMPTS)).input_ids
    return [GenerationRequest(prompt, n, seed=100 * i) for i, prompt in enumerate(ids)]


@needs_vllm
@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_greedy_completions_of_both_engines_agree_in_every_field(fleets, models, family):
    ours = open_engine(models[family], shipped(Rollout, dtype="float32"), threads=1)
    requests = requests_for(ours)
    found = fleets[family].generate(requests, GREEDY)
    for mine, theirs in zip(ours.generate(requests, GREEDY), found, strict=True):
        assert [c.token_ids for c in mine] == [c.token_ids for c in theirs]
        assert [c.text for c in mine] == [c.text for c in theirs]
        assert [c.finish_reason for c in mine] == [c.finish_reason for c in theirs]
        assert [c.seed for c in mine] == [c.seed for c in theirs]
        for one, other in zip(mine, theirs, strict=True):
            assert other.logprobs == pytest.approx(one.logprobs, abs=1e-4)
    if family == "qwen2":
        completions = [c for group in found for c in group]
        assert {c.finish_reason for c in completions} >= {"stop"}
        end = fleets[family].tokenizer.eos_token_id
        assert all((c.token_ids[-1] == end) == (c.finish_reason == "stop") for c in completions)


@needs_vllm
def test_logprobs_are_those_of_the_policy_at_its_temperature_before_it_is_cut(fleets, models):
    model = AutoModelForCausalLM.from_pretrained(models["qwen2"], dtype=torch.float32)
    requests = requests_for(fleets["qwen2"])
    for sampling in (COOL, Sampling(temperature=1.3, top_k=5, max_tokens=24)):
        answers = fleets["qwen2"].generate(requests, sampling)
        for request, group in zip(requests, answers, strict=True):
            for completion in group:
                ids = torch.tensor([request.prompt_ids + completion.token_ids])
                with torch.no_grad():
                    logits = model(input_ids=ids).logits[0] / sampling.temperature
                start = len(request.prompt_ids)
                expected = logits[start - 1 : -1].log_softmax(-1)
                expected = expected.gather(-1, ids[0, start:, None])[:, 0]
                assert completion.logprobs == pytest.approx(expected.tolist(), abs=1e-4)


@needs_vllm
def test_same_seed_gives_the_same_sample_in_any_order_and_batch(fleets):
    fleet = fleets["qwen2"]
    asked = requests_for(fleet, n=4)
    together = fleet.generate(asked, COOL)
    assert len({tuple(c.token_ids) for group in together for c in group}) > len(asked)
    tokens = [[c.token_ids for c in group] for group in together]
    assert [[c.token_ids for c in g] for g in fleet.generate(asked[::-1], COOL)] == tokens[::-1]
    ((third,),) = fleet.generate([GenerationRequest(asked[1].prompt_ids, 1, seed=102)], COOL)
    assert (third.token_ids, third.seed) == (together[1][2].token_ids, 102)


@needs_vllm
def test_log_probabilities_that_are_not_wanted_change_no_sample(fleets):
    asked = requests_for(fleets["qwen2"])
    with_them = fleets["qwen2"].generate(asked, COOL)
    bare = [replace(request, logprobs=False) for request in asked]
    for one, other in zip(with_them, fleets["qwen2"].generate(bare, COOL), strict=True):
        assert [c.token_ids for c in one] == [c.token_ids for c in other]
        assert all(c.logprobs is None for c in other)


@needs_vllm
def test_samples_follow_the_tempered_and_truncated_distribution(fleets, models):
    prompt = fleets["qwen2"].tokenizer("3 + 14 = ").input_ids
    count = 2000
    sampling = Sampling(temperature=1.4, top_p=0.7, max_tokens=1)
    (group,) = fleets["qwen2"].generate([GenerationRequest(prompt, count, seed=0)], sampling)
    model = AutoModelForCausalLM.from_pretrained(models["qwen2"], dtype=torch.float32)
    with torch.no_grad():
        probs = (model(input_ids=torch.tensor([prompt])).logits[0, -1] / 1.4).softmax(-1)
    values, order = probs.sort(descending=True)
    kept = values.cumsum(0) - values < 0.7
    expected = dict(
        zip(order[kept].tolist(), (values[kept] / values[kept].sum()).tolist(), strict=True)
    )
    found = Counter(c.token_ids[0] for c in group)
    assert set(found) <= set(expected)
    assert len(expected) >= 3
    for token, share in expected.items():
        assert found[token] / count == pytest.approx(share, abs=4 * (share / count) ** 0.5)


@needs_vllm
def test_a_forced_prefix_is_continued_and_stands_in_the_text(fleets):
    fleet = fleets["qwen2"]
    prompt, forced = fleet.tokenizer([PROMPTS[1], "<think>17</think>"]).input_ids
    ((after,),) = fleet.generate([GenerationRequest(prompt, 1, 5, forced)], GREEDY)
    ((joined,),) = fleet.generate([GenerationRequest(prompt + forced, 1, 5)], GREEDY)
    assert after.token_ids == joined.token_ids
    assert after.text == "<think>17</think>" + joined.text


@needs_vllm
def test_progress_counts_completions_as_they_finish(fleets):
    seen = []
    fleets["qwen2"].generate(requests_for(fleets["qwen2"], n=3), COOL, seen.append)
    assert seen == sorted(seen)
    assert len(set(seen)) > 1
    assert seen[-1] == 3 * len(PROMPTS)


def test_a_head_that_vllm_cannot_run_on_a_cpu_is_refused_before_it_starts():
    (student,) = (ARTIFACTS / "student_llama_base").glob("*/model")
    with pytest.raises(UsageError, match=r"heads of a multiple of 32; this model's are of 24"):
        VLLMEngine.open(student, VLLM, threads=1)


@needs_vllm
def test_a_model_without_room_for_its_cache_is_refused_with_the_keys_that_make_room(models):
    small = shipped(Rollout, "vllm", "float32", kv_cache_gib=0.0001, max_model_tokens=256)
    request = GenerationRequest([5], 1, seed=0)
    with (
        Fleet.open(models["qwen2"], small, threads=1) as fleet,
        pytest.raises(StageFailed, match=r"raise rollout.kv_cache_gib, or lower rollout.max_model"),
    ):
        fleet.generate([request], GREEDY)


@needs_vllm
def test_more_prompt_tokens_than_vllm_prefills_at_once_are_answered_alike(fleets):
    fleet = fleets["qwen2"]
    prompts = [[5 + i % 50] * (80 + i) for i in range(60)]  # 6,570 tokens; vLLM takes 4,096
    requests = [GenerationRequest(prompt, 1, seed=i) for i, prompt in enumerate(prompts)]
    short = Sampling(temperature=1.0, max_tokens=4)
    together = fleet.generate(requests, short)
    alone = [fleet.generate([request], short)[0] for request in requests[::20]]
    assert [g[0].token_ids for g in together[::20]] == [g[0].token_ids for g in alone]


@needs_vllm  # the last one, as it ends the engine
def test_a_prompt_that_does_not_fit_the_window_is_refused_and_not_cut(fleets):
    request = GenerationRequest([5] * 250, 1, seed=0)
    with pytest.raises(UsageError, match=r"of 250 tokens .* 256 tokens .*max_model_tokens"):
        fleets["llama"].generate([request], GREEDY)
