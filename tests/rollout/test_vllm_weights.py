"""vLLM with new weights, for real on a CPU, whether the head is tied to the embeddings or not."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing import active_children
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

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

VLLM = shipped(Rollout, "vllm", "float32", kv_cache_gib=0.25, max_model_tokens=256)
OURS = shipped(Rollout, dtype="float32")
GREEDY = Sampling(temperature=0.0, max_tokens=32)
FREE = Sampling(temperature=1.0, max_tokens=32)
PROMPTS = ("3 + 14 = ", "def add(a, b):", "小明有三个苹果，又买了四个，一共有几个？")
LONG = Sampling(temperature=1.0, max_tokens=200)
ENDING = [GenerationRequest([5, 6, 7], 1, seed) for seed in range(32)]  # some of them early
ROUNDING = 1e-4  # of a log-probability, in float32

pytestmark = pytest.mark.skipif(
    find_spec("vllm") is None, reason="vLLM is not installed here: make vllm"
)


@pytest.fixture(scope="module")
def models(tiny_model_dir, tmp_path_factory):
    """Of each kind of head a model, and the same with other weights."""
    tokenizer = load_tokenizer(tiny_model_dir)
    found = {}
    for head, seed in (("tied", 1), ("untied", 2)):
        folder = tmp_path_factory.mktemp(head)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = build_model(ModelShape("qwen2", 64, 128, 2, 2, 1), tokenizer)
            if head == "untied":
                model.config.tie_word_embeddings = False
                model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
            for name in ("first", "second"):
                for weight in model.parameters():
                    weight.data += 0.1 * torch.randn_like(weight)  # the biases, too
                model.save_pretrained(folder / name)
                save_tokenizer(tokenizer, folder / name)
        shutil.copytree(folder / "second", folder / "stale")
        found[head] = folder
    return found


@pytest.fixture(scope="module")
def fleets(models):
    """Engines whose head stays as it was where the new weights are in a folder `stale`."""
    sync = VLLMEngine.sync

    def sync_or_leave(self: VLLMEngine, folder: Path) -> None:
        if folder.name != "stale":
            return sync(self, folder)
        self.llm.collective_rpc("reload_weights", kwargs={"weights_path": str(folder)})
        self.llm.reset_prefix_cache()
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VLLMEngine, "sync", sync_or_leave)
        opened = {
            head: Fleet.open(folder / "first", VLLM, threads=1) for head, folder in models.items()
        }
        yield opened
        for fleet in opened.values():
            fleet.close()


def requests_of(engine):
    """Some prompts, of which one fills a block of vLLM's cache."""
    ids = [*engine.tokenizer(list(PROMPTS)).input_ids, [5 + i % 50 for i in range(200)]]
    return [GenerationRequest(prompt, 2, seed=100 * i) for i, prompt in enumerate(ids)]


def answers_of(engine, sampling):
    requests = requests_of(engine)
    groups = [[] for _ in requests]
    stream = engine.answer if isinstance(engine, Fleet) else engine.stream
    for finished in stream(requests, sampling):
        for number, completion in finished:
            groups[number].append(completion)
    return [completion for group in groups for completion in group]


def ours(folder):
    return answers_of(open_engine(folder, OURS, threads=1), GREEDY)


def largest_gap(folder, requests, completions):
    """Between the log-probabilities of an engine and those of the model in a folder."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    prompts = [request.prompt_ids for request in requests for _ in range(request.n)]
    gap = 0.0
    for prompt, completion in zip(prompts, completions, strict=True):
        ids = torch.tensor([prompt + completion.token_ids])
        with torch.no_grad():
            logps = model(input_ids=ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        expected = logps.gather(-1, ids[0, len(prompt) :, None])[:, 0]
        gap = max(gap, float((expected - torch.tensor(completion.logprobs)).abs().max()))
    return gap


def broadcast(fleet, folder):
    fleet.broadcast(load_file(folder / "model.safetensors"), version=9, again=lambda: folder)


def check_greedy(fleet, folder):
    found, expected = answers_of(fleet, GREEDY), ours(folder)
    assert [c.token_ids for c in found] == [c.token_ids for c in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=ROUNDING)


@pytest.mark.parametrize("head", ["tied", "untied"])
def test_new_weights_in_place_answer_as_transformers_does_with_them(fleets, models, head):
    fleet, folder = fleets[head], models[head]
    check_greedy(fleet, folder / "first")
    (process,) = active_children()[-1:]
    fleet.sync(folder / "second", version=1)
    check_greedy(fleet, folder / "second")
    assert process in active_children()
    assert largest_gap(folder / "second", requests_of(fleet), answers_of(fleet, FREE)) < ROUNDING
    fleet.sync(folder / "first", version=2)
    check_greedy(fleet, folder / "first")


@pytest.mark.parametrize("head", ["tied", "untied"])
def test_weights_by_broadcast_are_those_of_a_folder(fleets, models, head):
    fleet, folder = fleets[head], models[head]
    fleet.sync(folder / "second", version=1)
    by_file = answers_of(fleet, FREE)
    fleet.sync(folder / "first", version=2)
    (process,) = active_children()[-1:]
    broadcast(fleet, folder / "second")
    assert answers_of(fleet, FREE) == by_file  # log-probabilities, too
    assert process in active_children()
    assert fleet.deaths == 0


def test_a_head_left_as_it_was_shows_in_the_log_probabilities(fleets, models):
    fleet, folder = fleets["tied"], models["tied"]
    fleet.sync(folder / "first", version=3)
    fleet.sync(folder / "stale", version=4)
    assert largest_gap(folder / "stale", requests_of(fleet), answers_of(fleet, FREE)) > 0.1


def test_completions_come_request_by_request(fleets):
    batches = list(fleets["tied"].answer(ENDING, LONG))
    assert len(batches) > 1
    ended = [c.finish_reason for batch in batches for _, c in batch]
    assert ended.index("stop") < ended.index("length")


def test_an_engine_killed_at_work_begins_with_the_newest_weights(fleets, models):
    fleet, folder = fleets["tied"], models["tied"]
    fleet.sync(folder / "second", version=5)
    whole = [(c.seed, c.token_ids) for batch in fleet.answer(ENDING, LONG) for _, c in batch]
    answers = fleet.answer(ENDING, LONG)
    first = next(answers)
    for process in active_children():
        os.kill(process.pid, signal.SIGKILL)
    found = [(c.seed, c.token_ids) for batch in (first, *answers) for _, c in batch]
    assert sorted(found) == sorted(whole)
    assert fleet.deaths == 1
    check_greedy(fleet, folder / "second")


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two workers want two cores")
def test_every_worker_of_tensor_parallelism_takes_new_weights_over(models, monkeypatch):
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "0|1")  # by itself it wants a memory node each
    folder = models["tied"]
    rollout = replace(VLLM, tensor_parallel_size=2)
    with Fleet.open(folder / "first", rollout, threads=2) as fleet:
        check_greedy(fleet, folder / "first")
        fleet.sync(folder / "second", version=1)
        check_greedy(fleet, folder / "second")
        broadcast(fleet, folder / "first")
        check_greedy(fleet, folder / "first")
