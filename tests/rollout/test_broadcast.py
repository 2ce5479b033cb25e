"""New weights by broadcast, with gloo: those of a folder bit for bit, whoever dies on the way."""

from __future__ import annotations

import os
import re
import signal
from multiprocessing import active_children

import psutil
import pytest
import torch
from safetensors.torch import load_file

from pipeline.errors import StageFailed
from stages.rl.policy_weights import write_again
from stages.rollout import collective
from stages.rollout.collective import Meeting, Sender, receive
from stages.rollout.fleet import Fleet
from tests.rollout.test_answers import FREE, TWO, alone, collected, requests_of, said, trained

__all__ = ["trained"]  # a fixture
UP = "model.layers.0.mlp.up_proj.weight"
FIRST, SECOND, THIRD = 1, 2, 3  # versions


@pytest.fixture
def fleet(tiny_model_dir):
    """Two engines at work on the first model."""
    with Fleet.open(tiny_model_dir, TWO, threads=2) as opened:
        list(opened.answer(requests_of(opened), FREE))
        yield opened


@pytest.fixture
def send(fleet, tiny_model_dir, tmp_path):
    """Broadcast the weights of a folder, changed where a test says so."""

    def send(folder, version=FIRST, edit=lambda weights: None):
        weights = load_file(folder / "model.safetensors")
        edit(weights)
        again = tmp_path / f"again{version}"
        fleet.broadcast(weights, version, lambda: write_again(weights, tiny_model_dir, again))
        return again

    return send


def answers(fleet):
    return collected(fleet.answer(requests_of(fleet), FREE), 7)


def engines():
    return {process.pid for process in active_children()}


def test_they_are_those_of_the_folder_in_every_engine(fleet, send, trained):
    pids = engines()
    again = send(trained)
    by_broadcast = answers(fleet)
    fleet.sync(trained, version=SECOND)
    assert by_broadcast == answers(fleet)  # log-probabilities, too
    assert said(by_broadcast) == said(alone(trained, requests_of(fleet)))
    assert engines() == pids
    assert not again.exists()  # nobody asked for it


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda w: w.pop(UP), r"is missing, which .* has as \[128, 64\] in F32"),
        (lambda w: w.update({UP: w[UP][:-1]}), r"is \[127, 64\] in F32, .* has \[128, 64\] in F32"),
        (lambda w: w.update({UP: w[UP].half()}), r"is \[128, 64\] in F16, .* has .* in F32: save"),
        (lambda w: w.update({UP + "_scale": w[UP]}), r".* in F32\) is no tensor of the model"),
    ],
    ids=["missing", "shape", "dtype", "strange"],
)
def test_what_does_not_fit_is_refused_by_name_and_changes_nothing(
    fleet, send, trained, edit, words
):
    before = answers(fleet)
    with pytest.raises(StageFailed, match=f"weights to broadcast: {re.escape(UP)} ?{words}"):
        send(trained, edit=edit)
    assert answers(fleet) == before


def test_an_engine_that_died_before_begins_with_the_newest(fleet, send, trained):
    send(trained)
    expected = answers(fleet)
    victim = active_children()[0]
    victim.kill()
    victim.join()
    assert answers(fleet) == expected
    again = send(trained, SECOND)  # and is there the next time
    assert answers(fleet) == expected
    assert not again.exists()


def test_an_engine_that_dies_while_they_come_begins_with_them(
    fleet, send, trained, monkeypatch, tmp_path
):
    broadcast, sent = collective._broadcast, []

    def kill_at_the_third(*arguments):
        sent.append(arguments)
        if len(sent) == THIRD:
            victim = active_children()[0]
            victim.kill()
            victim.join()
        broadcast(*arguments)

    monkeypatch.setattr(collective, "_broadcast", kill_at_the_third)
    again = send(trained)
    assert 1 <= fleet.deaths <= 2  # the other one had half of them
    assert said(answers(fleet)) == said(alone(trained, requests_of(fleet)))
    assert again.exists()
    pids = engines()
    send(trained, SECOND)
    assert engines() == pids


def test_an_engine_that_does_not_come_is_waited_for_so_long_and_no_longer(
    fleet, send, trained, monkeypatch
):
    monkeypatch.setattr(collective, "SECONDS", 1.0)
    for process in active_children():
        os.kill(process.pid, signal.SIGSTOP)
    send(trained)
    assert fleet.deaths == 2
    assert said(answers(fleet)) == said(alone(trained, requests_of(fleet)))


def test_broadcasts_that_never_arrive_name_the_way_without_them(
    fleet, send, tiny_model_dir, monkeypatch
):
    monkeypatch.setattr(collective, "HERE", "127.0.0.2")
    monkeypatch.setattr(collective, "SECONDS", 1.0)

    def stop_and_send():
        for process in active_children():
            os.kill(process.pid, signal.SIGSTOP)
        send(tiny_model_dir)
        answers(fleet)

    stop_and_send()
    stop_and_send()
    with pytest.raises(StageFailed, match=r"3 times in a row .*: set rollout\.weights=file"):
        stop_and_send()


def test_the_sender_listens_at_the_one_address_and_not_for_longer_than_it_is_there():
    def listening():
        own = psutil.Process().net_connections("tcp")
        return {each.laddr for each in own if each.status == psutil.CONN_LISTEN}

    before = listening()
    with Sender({"one": torch.zeros(1)}, "127.0.0.1", receivers=1) as sender:
        (found,) = listening() - before
        assert found == ("127.0.0.1", sender.meeting.port)
    del sender
    assert listening() == before


def test_an_engine_without_a_gpu_says_that_it_has_none_for_nccl():
    meeting = Meeting("127.0.0.1", 1, 2, "nccl", 1.0, ())
    with pytest.raises(StageFailed, match=r"this engine has none: set rollout\.weights=file"):
        list(receive(meeting, 1, torch.device("cpu")))
