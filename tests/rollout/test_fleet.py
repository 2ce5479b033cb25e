"""Engines in processes of their own: same answers, in order, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children

import psutil
import pytest

from pipeline import meter
from pipeline.errors import StageFailed, UsageError
from stages.rollout.engine import GenerationRequest
from stages.rollout.fleet import Fleet
from stages.rollout.opening import open_engine
from stages.rollout.replica_devices import devices
from stages.settings.generation import Rollout, Sampling
from tests.shipped import shipped

FREE = Sampling(temperature=1.0, max_tokens=24)
SMALL = shipped(Rollout, batch_tokens=80)  # two sequences at a time, so that a shard takes a while


@pytest.fixture
def open_fleet(tiny_model_dir):
    opened = []

    def open_(rollout=SMALL):
        opened.append(Fleet.open(tiny_model_dir, rollout, threads=1))
        return opened[-1]

    yield open_
    for fleet in opened:
        fleet.close()
    assert not active_children()


def shards_of(fleet, count, requests=6, n=2):
    prompts = fleet.tokenizer(["3 + 14 = ", "def add(a, b):", "问题：小明"]).input_ids
    return [
        [
            GenerationRequest(prompts[(shard + i) % 3], n, seed=1000 * shard + 10 * i)
            for i in range(requests)
        ]
        for shard in range(count)
    ]


def in_process(model, shards):
    engine = open_engine(model, SMALL, threads=1)
    return [engine.generate(shard, FREE) for shard in shards]


def kill_engines(sig=signal.SIGKILL):
    for process in active_children():
        os.kill(process.pid, sig)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_fleet_answers_as_the_engine_alone_does_and_in_order(
    open_fleet, tiny_model_dir, replicas
):
    fleet = open_fleet(shipped(Rollout, batch_tokens=80, replicas=replicas))
    shards = shards_of(fleet, 5)
    shards[2] = []
    assert list(fleet.stream(iter(shards), FREE)) == in_process(tiny_model_dir, shards)
    assert len(active_children()) == replicas
    assert fleet.generate(shards[1], FREE) == in_process(tiny_model_dir, shards[1:2])[0]


def test_what_engines_spent_is_counted_where_they_were_asked(open_fleet, tmp_path):
    fleet = open_fleet(shipped(Rollout, batch_tokens=80, replicas=2))
    with meter.running(tmp_path):
        answers = [one for shard in fleet.stream(shards_of(fleet, 4), FREE) for one in shard]
    spent, lengths = meter.total(tmp_path), [len(each.token_ids) for one in answers for each in one]
    assert spent.counts["completions"] == len(lengths) == 4 * 6 * 2
    assert spent.counts["tokens_out"] == sum(lengths)
    assert spent.peaks["longest"] == max(lengths)
    assert spent.counts["engine_seconds"] > 0
    assert spent.phases["rollout"] > 0


def test_no_engine_starts_before_there_is_something_to_draw(open_fleet):
    fleet = open_fleet()
    assert list(fleet.stream([[], []], FREE)) == [[], []]
    assert not active_children()


def test_engines_work_ahead_of_who_reads_but_not_far(open_fleet):
    fleet = open_fleet()
    drawn = []

    def shards():
        for shard in shards_of(fleet, 12, requests=1):
            drawn.append(shard)
            yield shard

    stream = fleet.stream(shards(), FREE)
    next(stream)
    assert 1 < len(drawn) <= 4
    assert sum(1 for _ in stream) == 11


def test_a_killed_engine_is_started_again_and_its_shard_repeated(open_fleet, tiny_model_dir):
    fleet = open_fleet()
    shards = shards_of(fleet, 3)
    finished = []

    def kill_once(count):
        finished.append(count)
        if len(finished) == 2:
            kill_engines()

    assert list(fleet.stream(shards, FREE, kill_once)) == in_process(tiny_model_dir, shards)
    assert fleet.deaths == 1
    assert finished[-1] == 36


def test_an_engine_killed_between_two_streams_costs_nothing(open_fleet, tiny_model_dir):
    fleet = open_fleet()
    shards = shards_of(fleet, 1)
    first = fleet.generate(shards[0], FREE)
    kill_engines()
    assert fleet.generate(shards[0], FREE) == first


def test_a_shard_that_kills_three_engines_is_named(open_fleet):
    fleet = open_fleet()
    shards = shards_of(fleet, 3, requests=4)
    shards[1] = shards_of(fleet, 1, requests=1)[0] * 40
    stream = fleet.stream(shards, FREE, lambda done: 8 < done < 88 and kill_engines())
    assert len(next(stream)) == 4
    with pytest.raises(StageFailed, match=r"on the same shard of \d+ prompts .*SIGKILL") as caught:
        next(stream)
    assert "'3 + 14 = '" in str(caught.value)
    assert fleet.deaths == 3


def test_what_the_engine_refuses_comes_back_as_itself(open_fleet):
    fleet = open_fleet()
    with pytest.raises(UsageError, match=r"a prompt of 600 tokens .* 512 tokens"):
        fleet.generate([GenerationRequest([5] * 600, 1, seed=0)], FREE)
    assert len(fleet.generate(shards_of(fleet, 1)[0], FREE)) == 6  # and another engine goes on


def test_a_stream_that_is_given_up_leaves_nothing_behind_for_the_next(open_fleet, tiny_model_dir):
    fleet = open_fleet()
    shards = shards_of(fleet, 4)
    for _ in fleet.stream(shards, FREE):
        break
    assert list(fleet.stream(shards[2:], FREE)) == in_process(tiny_model_dir, shards[2:])


STAGE = """
import os, struct, sys
from pathlib import Path
from stages.settings.generation import Rollout, Sampling
from stages.rollout.engine import GenerationRequest
from stages.rollout.fleet import Fleet
from tests.shipped import shipped
from multiprocessing import active_children

fleet = Fleet.open(Path(sys.argv[1]), shipped(Rollout, batch_tokens=40, replicas=2), threads=1)
shards = [[GenerationRequest([5], 500, seed=0)], [GenerationRequest([5], 500, seed=0)]]
told = []
def tell(done):
    if not told:
        for replica in fleet._crew._replicas:  # the first bytes of a shard that is yet to come
            os.write(replica._peer.connection.fileno(), struct.pack("!i", 1 << 20))
        told.append(print(*[process.pid for process in active_children()], flush=True))
list(fleet.stream(shards, Sampling(1.0, max_tokens=500), tell))
"""


def test_engines_end_when_their_stage_is_killed_in_the_middle_of_a_message(tiny_model_dir):
    stage = subprocess.Popen(
        [sys.executable, "-c", STAGE, str(tiny_model_dir)], stdout=subprocess.PIPE, text=True
    )
    pids = [int(pid) for pid in stage.stdout.readline().split()]
    assert len(pids) == 2
    stage.kill()
    stage.wait()
    deadline = time.monotonic() + 120
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline, "an engine outlived its stage"
        time.sleep(0.05)


def _runs(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_each_replica_has_its_own_gpus(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    assert devices(shipped(Rollout)) == ["4", "5", "6", "7"]
    assert devices(shipped(Rollout, tensor_parallel_size=2)) == ["4,5", "6,7"]
    assert devices(shipped(Rollout, replicas=1)) == ["4"]
    with pytest.raises(UsageError, match=r"rollout\.replicas=3 .* do not fit the 4 GPUs"):
        devices(shipped(Rollout, replicas=3, tensor_parallel_size=2))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert devices(shipped(Rollout)) == ["0", "1", "2", "3"]


def test_without_a_gpu_there_is_one_engine_unless_more_are_asked_for(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert devices(shipped(Rollout)) == [None]
    assert devices(shipped(Rollout, replicas=2)) == [None, None]
