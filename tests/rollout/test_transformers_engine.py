"""The decode loop against the model itself: same tokens, same probabilities, any batch."""

from __future__ import annotations

import math

import pytest
import torch

from pipeline import meter
from pipeline.errors import StageFailed, UsageError
from stages.rollout.engine import GenerationRequest
from stages.rollout.opening import open_engine
from stages.settings.generation import Rollout, Sampling
from tests.shipped import shipped

FREE = Sampling(temperature=1.0, max_tokens=24)
GREEDY = Sampling(temperature=0.0, max_tokens=24)
PROMPTS = (
    "3 + 14 = ",
    "问题：小明有三个苹果，又买了四个，",
    "def add(a, b):",
    "The answer is 15. Wait,",
)


@pytest.fixture(scope="module")
def engine(tiny_model_dir):
    engine = open_engine(tiny_model_dir, shipped(Rollout), threads=1)
    # An untrained model hardly ever ends by itself; this one ends about every 12 tokens.
    head, end = engine.model.lm_head, int(engine.end_ids[0])
    plain = head.forward

    def more_ends(hidden):
        logits = plain(hidden)
        ends = torch.full_like(logits[..., :1], math.log(1 / 12)) + logits.logsumexp(-1, True)
        return logits.index_copy(-1, torch.tensor([end]), ends)

    head.forward = more_ends
    return engine


def requests(engine, n=3):
    ids = engine.tokenizer(list(PROMPTS)).input_ids
    return [GenerationRequest(prompt, n, seed=100 * i) for i, prompt in enumerate(ids)]


def test_same_seed_gives_the_same_sample_in_any_order_and_batch(engine):
    asked = requests(engine)
    together = engine.generate(asked, FREE)
    assert engine.generate(asked[::-1], FREE) == together[::-1]
    engine.batch_tokens = 1  # one sequence at a time
    alone = engine.generate(asked, FREE)
    engine.batch_tokens = shipped(Rollout).batch_tokens
    assert [[c.token_ids for c in group] for group in alone] == [
        [c.token_ids for c in group] for group in together
    ]


def test_samples_of_a_request_have_consecutive_seeds_and_differ(engine):
    (group,) = engine.generate(requests(engine, n=8)[:1], FREE)
    assert [c.seed for c in group] == list(range(8))
    long = [tuple(c.token_ids) for c in group if len(c.token_ids) > 3]
    assert len(set(long)) == len(long) > 4


def test_a_sample_is_the_one_that_its_own_seed_gives_alone(engine):
    (group,) = engine.generate(requests(engine, n=4)[:1], FREE)
    prompt = requests(engine)[0].prompt_ids
    ((third,),) = engine.generate([GenerationRequest(prompt, 1, seed=2)], FREE)
    assert third.token_ids == group[2].token_ids


def test_equal_prompts_of_several_requests_are_run_once_and_each_keeps_its_seed(engine):
    prompt = requests(engine)[0].prompt_ids
    apart = [GenerationRequest(prompt[:2], 1, seed, prefix_ids=prompt[2:]) for seed in range(4)]
    meter.begin()
    found = engine.generate(apart, FREE)
    assert meter.take().counts["tokens_in"] == len(prompt)
    (group,) = engine.generate(requests(engine, n=4)[:1], FREE)
    assert [completion.token_ids for (completion,) in found] == [c.token_ids for c in group]


def test_greedy_equals_generate_for_prompts_of_different_lengths(engine):
    encoded = engine.tokenizer(list(PROMPTS), return_tensors="pt", padding=True)
    expected = engine.model.generate(
        **encoded, do_sample=False, max_new_tokens=24, pad_token_id=engine.tokenizer.pad_token_id
    )[:, encoded.input_ids.shape[1] :]
    for (completion,), row in zip(
        engine.generate(requests(engine, n=1), GREEDY), expected, strict=True
    ):
        assert completion.token_ids == row[: len(completion.token_ids)].tolist()


def test_logprobs_equal_a_plain_forward_pass(engine):
    for temperature in (1.0, 0.7):
        sampling = Sampling(temperature, max_tokens=24)
        for request, group in zip(
            requests(engine), engine.generate(requests(engine), sampling), strict=True
        ):
            for completion in group:
                ids = torch.tensor([request.prompt_ids + completion.token_ids])
                with torch.no_grad():
                    logits = engine.model(input_ids=ids).logits[0] / temperature
                start = len(request.prompt_ids)
                expected = logits[start - 1 : -1].log_softmax(-1)
                expected = expected.gather(-1, ids[0, start:, None])[:, 0]
                torch.testing.assert_close(
                    torch.tensor(completion.logprobs), expected, atol=1e-5, rtol=1e-5
                )


def test_a_completion_ends_at_its_end_token_or_at_the_limit(engine):
    end = engine.tokenizer.eos_token_id
    completions = [c for group in engine.generate(requests(engine, n=16), FREE) for c in group]
    assert {c.finish_reason for c in completions} == {"stop", "length"}
    for completion in completions:
        stopped = completion.finish_reason == "stop"
        assert (completion.token_ids.index(end) + 1 if stopped else FREE.max_tokens) == len(
            completion.token_ids
        )
        assert len(completion.logprobs) == len(completion.token_ids)
        assert engine.tokenizer.eos_token not in completion.text


def test_a_forced_prefix_is_continued_and_stands_in_the_text(engine):
    tokenizer = engine.tokenizer
    prompt = tokenizer("3 + 14 = ").input_ids
    forced = tokenizer("<think>17</think>").input_ids
    ((after,),) = engine.generate([GenerationRequest(prompt, 1, 5, forced)], FREE)
    ((joined,),) = engine.generate([GenerationRequest(prompt + forced, 1, 5)], FREE)
    assert after.token_ids == joined.token_ids
    assert after.text == "<think>17</think>" + joined.text


def test_a_prompt_that_leaves_no_room_is_refused_and_not_cut(engine):
    with pytest.raises(UsageError, match=r"a prompt of 489 tokens and .*max_tokens=24 do not fit"):
        engine.generate([GenerationRequest([5] * 480, 1, 0, [6] * 9)], FREE)
    assert engine.generate([GenerationRequest([5] * 480, 1, 0, [6] * 8)], FREE)


def test_a_model_whose_weights_hold_nan_is_named_as_the_cause(tiny_model_dir):
    broken = open_engine(tiny_model_dir, shipped(Rollout), threads=1)
    with torch.no_grad():
        broken.model.model.norm.weight[0] = math.nan
    with pytest.raises(StageFailed, match="weights hold NaN"):
        broken.generate(requests(broken), FREE)


def test_progress_counts_finished_completions(engine):
    seen = []
    engine.generate(requests(engine), FREE, seen.append)
    assert seen[-1] == 3 * len(PROMPTS)


def test_an_engine_that_is_not_installed_or_unknown_says_what_to_do(tiny_model_dir, monkeypatch):
    monkeypatch.setattr("stages.rollout.engine.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'r1-recipe\[vllm\]'"):
        open_engine(tiny_model_dir, shipped(Rollout, engine="vllm"), threads=1)
    with pytest.raises(UsageError, match="expected `transformers` or `vllm`"):
        open_engine(tiny_model_dir, shipped(Rollout, engine="vlm"), threads=1)


def test_samples_are_the_same_at_any_size_of_batch_in_float32(tiny_model_dir):
    asked = Sampling(temperature=0.8, top_p=0.9, max_tokens=24)
    found = []
    for size in (65536, 300, 1):
        engine = open_engine(
            tiny_model_dir, shipped(Rollout, dtype="float32", batch_tokens=size), threads=1
        )
        found.append([[c.token_ids for c in g] for g in engine.generate(requests(engine), asked)])
    assert found[0] == found[1] == found[2]
