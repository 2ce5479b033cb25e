"""An engine that another process lends, over the loopback interface, and lost on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest
from safetensors.torch import load_file

from pipeline.errors import StageFailed, UsageError
from stages.commands import engine
from stages.rl.policy_weights import write_again
from stages.rollout import remote
from stages.rollout.engine import GenerationRequest
from stages.rollout.fleet import Fleet
from stages.rollout.opening import open_engine
from stages.rollout.replica import Replica
from stages.rollout.replica_process import Sleep, Start
from stages.settings.generation import Rollout, Sampling
from tests.shipped import shipped

ROOT = Path(__file__).resolve().parents[2]
KEY = "a key of more than sixteen letters"
FREE = Sampling(temperature=1.0, max_tokens=24)
SMALL = shipped(Rollout, batch_tokens=80)

pytestmark = pytest.mark.slow  # the engine's process imports torch


class Lent:
    """A running `r1 engine`."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stages", "engine", "--listen", "127.0.0.1:0"],
                stdout=subprocess.PIPE, stderr=log, text=True,
                env=os.environ | {remote.KEY: KEY, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        self.address = self.line().removeprefix("engine: listens at ")

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def jobs(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()


@pytest.fixture(scope="module")
def lent(tmp_path_factory):
    found = Lent(tmp_path_factory.mktemp("lent"))
    yield found
    found.process.kill()
    found.process.wait()


@pytest.fixture(scope="module", autouse=True)
def with_key():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(remote.KEY, KEY)
        yield


@pytest.fixture(scope="module")
def fleet(lent, tiny_model_dir):
    with Fleet.open(tiny_model_dir, at(lent.address), threads=1) as opened:
        yield opened


def at(address):
    return replace(SMALL, engines_at=[address])


def requests_of(fleet, count=8):
    prompt = fleet.tokenizer("3 + 14 = ").input_ids
    return [GenerationRequest(prompt, 2, seed=10 * i) for i in range(count)]


def seeds_and_tokens(answers):
    return sorted((c.seed, c.token_ids) for finished in answers for _, c in finished)


def test_it_answers_as_one_here_does(fleet, tiny_model_dir):
    requests = requests_of(fleet)
    here = open_engine(tiny_model_dir, SMALL, threads=1).stream(requests, FREE)
    assert seeds_and_tokens(fleet.answer(requests, FREE)) == seeds_and_tokens(here)
    fleet.sync(tiny_model_dir, version=1)
    fleet.sleep()
    fleet.wake()
    assert len(seeds_and_tokens(fleet.answer(requests, FREE))) == 16


def test_it_takes_weights_by_broadcast(fleet, tiny_model_dir, tmp_path):
    weights = load_file(tiny_model_dir / "model.safetensors")
    other = {name: tensor * 1.1 for name, tensor in weights.items()}
    folder = write_again(other, tiny_model_dir, tmp_path / "other")
    requests = requests_of(fleet)
    list(fleet.answer(requests, FREE))
    fleet.broadcast(other, version=1, again=lambda: folder)
    expected = open_engine(folder, SMALL, threads=1).stream(requests, FREE)
    assert seeds_and_tokens(fleet.answer(requests, FREE)) == seeds_and_tokens(expected)
    fleet.broadcast(weights, version=2, again=lambda: tiny_model_dir)
    assert fleet.deaths == 0


def test_one_that_dies_at_work_is_reached_again(fleet, lent):
    requests = requests_of(fleet)
    whole = seeds_and_tokens(fleet.answer(requests, FREE))
    fleet.sync(fleet._model_path, version=1)
    answers = fleet.answer(requests, FREE)
    first = next(answers)
    (job,) = lent.jobs()
    job.kill()
    assert seeds_and_tokens([first, *answers]) == whole
    assert fleet.mishaps == {"engine_deaths": 1}


def test_who_leaves_in_the_middle_frees_it(fleet, lent, tiny_model_dir):
    answers = fleet.answer(requests_of(fleet, count=400), FREE)
    next(answers)
    (first,) = lent.jobs()
    answers.close()
    assert len(seeds_and_tokens(fleet.answer(requests_of(fleet), FREE))) == 16
    assert first.pid not in [job.pid for job in lent.jobs()]


def test_a_second_job_waits_and_is_told_who_has_it(fleet, lent, tiny_model_dir, monkeypatch):
    list(fleet.answer(requests_of(fleet), FREE))
    monkeypatch.setattr(remote, "REACHED_WITHIN", 0.0)
    second = Fleet.open(tiny_model_dir, at(lent.address), threads=1)
    with pytest.raises(StageFailed, match=r"it works for 127\.0\.0\.1"):
        list(second.answer(requests_of(second), FREE))
    assert len(seeds_and_tokens(fleet.answer(requests_of(fleet), FREE))) == 16


def asked(lent, path):
    replica = Replica(Start(path, SMALL, 1, None), partial(remote.Remote, lent.address))
    replica.give(Sleep(-1))


def test_a_model_that_it_does_not_see_is_refused_in_words(lent, fleet, tmp_path, monkeypatch):
    fleet.close()
    monkeypatch.setattr(remote, "REACHED_WITHIN", 5.0)  # in which it is free again
    with pytest.raises(StageFailed, match=r"it sees no model at .*nowhere: the store has to be on"):
        asked(lent, tmp_path / "nowhere")


def test_other_versions_are_refused_in_words(lent, tiny_model_dir, monkeypatch):
    mine = remote.versions()
    monkeypatch.setattr(remote, "versions", lambda: mine | {"torch": "1.0"})
    with pytest.raises(StageFailed, match=r"it has torch 2\S+, this machine 1\.0: install"):
        asked(lent, tiny_model_dir)
    monkeypatch.setattr(remote, "PROTOCOL", 0)
    with pytest.raises(StageFailed, match=r"version 2 of our protocol, this machine 0: use"):
        asked(lent, tiny_model_dir)


def test_another_key_opens_nothing(lent, fleet, tiny_model_dir, monkeypatch):
    monkeypatch.setenv(remote.KEY, KEY + "!")
    with pytest.raises(StageFailed, match="has another R1_ENGINE_KEY, or is no engine"):
        asked(lent, tiny_model_dir)
    monkeypatch.setenv(remote.KEY, KEY)
    assert len(seeds_and_tokens(fleet.answer(requests_of(fleet), FREE))) == 16


def test_what_strangers_send_does_not_end_it(lent, fleet):
    host, port = remote.address_of(lent.address)
    for junk in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 4096):
        with socket.create_connection((host, port)) as stranger:
            stranger.sendall(junk)
    assert len(seeds_and_tokens(fleet.answer(requests_of(fleet), FREE))) == 16


def test_an_address_where_nobody_listens_is_named_with_what_to_start(tiny_model_dir, monkeypatch):
    monkeypatch.setattr(remote, "REACHED_WITHIN", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    fleet = Fleet.open(tiny_model_dir, at(address), threads=1)
    with pytest.raises(StageFailed, match=rf"refused: start .*r1 engine --listen {address}"):
        list(fleet.answer(requests_of(fleet), FREE))


def test_nobody_listens_without_a_key(monkeypatch):
    monkeypatch.delenv(remote.KEY)
    with pytest.raises(UsageError, match=r"R1_ENGINE_KEY is not set: .* at least 16 characters"):
        engine.main(["--listen", "127.0.0.1:0"])
    monkeypatch.setenv(remote.KEY, "short")
    with pytest.raises(UsageError, match="too short"):
        engine.main(["--listen", "127.0.0.1:0"])


@pytest.mark.parametrize("text", ["7000", ":7000", "host:", "host:x", "host:70000"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageError, match="expected HOST:PORT"):
        remote.address_of(text)


def test_addresses_of_both_kinds():
    assert remote.address_of("10.0.0.7:7000") == ("10.0.0.7", 7000)
    assert remote.address_of("[::1]:7000") == ("::1", 7000)


def test_sigterm_ends_it_and_its_job(lent, fleet):  # the last one
    list(fleet.answer(requests_of(fleet), FREE))
    (job,) = lent.jobs()
    lent.process.send_signal(signal.SIGTERM)
    assert lent.process.wait(timeout=60) == 0
    assert not job.is_running() or job.status() == psutil.STATUS_ZOMBIE
