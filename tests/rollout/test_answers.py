"""Engines that answer as they finish, take new weights over, and are started again with them."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections import Counter
from multiprocessing import active_children

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file

from pipeline.errors import StageFailed
from stages.rollout.engine import GenerationRequest
from stages.rollout.fleet import Fleet
from stages.rollout.opening import open_engine
from stages.settings.generation import Rollout, Sampling
from tests.shipped import shipped

FREE = Sampling(temperature=1.0, max_tokens=24)
SMALL = shipped(Rollout, batch_tokens=80)  # two sequences at a time, so that a call takes a while
TWO = shipped(Rollout, batch_tokens=80, replicas=2)


@pytest.fixture
def fleet(tiny_model_dir):
    with Fleet.open(tiny_model_dir, TWO, threads=2) as opened:
        yield opened


@pytest.fixture(scope="module")
def trained(tiny_model_dir, tmp_path_factory):
    """The same model with other weights."""
    folder = tmp_path_factory.mktemp("trained") / "model"
    shutil.copytree(tiny_model_dir, folder)
    weights = load_file(folder / "model.safetensors")
    generator = torch.Generator().manual_seed(1)
    for tensor in weights.values():
        tensor += 0.05 * torch.randn(tensor.shape, generator=generator)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


PROMPTS = ("3 + 14 = ", "def add(a, b):", "问题：小明")


def requests_of(engine, count=7, n=3):
    prompts = engine.tokenizer(list(PROMPTS)).input_ids
    return [GenerationRequest(prompts[i % 3], n, seed=100 * i) for i in range(count)]


def alone(model, requests):
    return open_engine(model, SMALL, threads=1).generate(requests, FREE)


def collected(answers, count):
    groups = [[] for _ in range(count)]
    for finished in answers:
        for number, completion in finished:
            groups[number].append(completion)
    return groups


def said(groups):
    return [[(c.token_ids, c.seed) for c in group] for group in groups]


def test_completions_come_as_they_finish_and_are_those_of_one_engine(fleet, tiny_model_dir):
    requests = requests_of(fleet, count=20)
    batches = list(fleet.answer(requests, FREE))
    assert said(collected(batches, 20)) == said(alone(tiny_model_dir, requests))
    assert len(batches) > 2
    assert len(active_children()) == 2
    assert list(fleet.answer([], FREE)) == []


def test_new_weights_are_those_of_the_folder_in_every_engine(fleet, tiny_model_dir, trained):
    requests = requests_of(fleet)
    before = collected(fleet.answer(requests, FREE), 7)
    pids = {process.pid for process in active_children()}
    fleet.sync(trained, version=1)
    after = collected(fleet.answer(requests, FREE), 7)
    assert said(after) == said(alone(trained, requests)) != said(before)
    assert {process.pid for process in active_children()} == pids
    fleet.sync(tiny_model_dir, version=2)
    assert said(collected(fleet.answer(requests, FREE), 7)) == said(before)


def test_an_engine_killed_in_the_middle_goes_on_with_the_newest_weights(fleet, trained):
    requests = requests_of(fleet)
    fleet.sync(trained, version=1)  # nobody lives yet: all begin with it
    answers = fleet.answer(requests, FREE)
    first = next(answers)
    victim = active_children()[0]
    os.kill(victim.pid, signal.SIGKILL)
    groups = collected([first, *answers], 7)
    assert said(groups) == said(alone(trained, requests))
    assert fleet.deaths == 1
    assert fleet.mishaps == {"engine_deaths": 1}


def test_what_was_given_out_is_not_drawn_again(fleet):
    requests = requests_of(fleet)
    seeds = Counter()
    killed = False
    for finished in fleet.answer(requests, FREE):
        seeds.update(completion.seed for _, completion in finished)
        if not killed and sum(seeds.values()) > 4:
            killed = True
            for process in active_children():
                os.kill(process.pid, signal.SIGKILL)
    assert seeds == Counter(r.seed + i for r in requests for i in range(r.n))


def test_the_third_death_on_the_same_requests_fails_with_their_prompts(fleet):
    def kill_at_each_answer():
        for _ in fleet.answer(requests_of(fleet, count=40), FREE):
            os.kill(active_children()[0].pid, signal.SIGKILL)

    with pytest.raises(StageFailed, match=r"3 engines in a row died .*SIGKILL") as caught:
        kill_at_each_answer()
    assert any(repr(prompt) in str(caught.value) for prompt in PROMPTS)  # of what was not answered


def test_an_engine_that_dies_of_new_weights_begins_with_them(fleet, trained):
    requests = requests_of(fleet)
    list(fleet.answer(requests, FREE))
    victim = active_children()[0].pid
    os.kill(victim, signal.SIGSTOP)  # so that it has no time to take them over
    threading.Timer(0.3, os.kill, (victim, signal.SIGKILL)).start()
    fleet.sync(trained, version=1)
    assert fleet.deaths == 1
    assert said(collected(fleet.answer(requests, FREE), 7)) == said(alone(trained, requests))


def test_sleeping_does_nothing_where_no_gpu_is_shared(tiny_model_dir):
    with Fleet.open(tiny_model_dir, SMALL, threads=1, shares_gpu=True) as fleet:
        requests = requests_of(fleet, count=2)
        before = collected(fleet.answer(requests, FREE), 2)
        fleet.sleep()
        fleet.wake()
        assert collected(fleet.answer(requests, FREE), 2) == before


@pytest.mark.slow  # its engine imports torch anew
def test_engines_of_a_process_that_trains_in_a_gang_do_not_share_its_group(
    tiny_model_dir, tmp_path, monkeypatch
):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    store = dist.FileStore(str(tmp_path / "meeting"), 1)
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        with Fleet.open(tiny_model_dir, SMALL, threads=1) as fleet:
            requests = requests_of(fleet, count=2)
            found = collected(fleet.answer(requests, FREE), 2)
    finally:
        dist.destroy_process_group()
    assert said(found) == said(alone(tiny_model_dir, requests))
