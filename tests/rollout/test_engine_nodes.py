"""Engines that further nodes of a job hold: found, used, lost and done without.

A node is a process of its own here, with the address, the key and the files that it has there.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from safetensors.torch import load_file

from pipeline import engine_nodes
from pipeline.engine_nodes import Engines, Lending
from pipeline.errors import NodeLost, StageFailed
from stages.rl.policy_weights import write_again
from stages.rollout.engine import GenerationRequest
from stages.rollout.engine_node import hold
from stages.rollout.fleet import Fleet
from stages.rollout.opening import open_engine
from stages.settings.generation import Rollout, Sampling
from tests.shipped import shipped

FREE = Sampling(temperature=1.0, max_tokens=24)
SMALL = shipped(Rollout, batch_tokens=80)
OWN: list[str | None] = [None]  # one engine here
NONE: list[str | None] = []


class Node:
    """A node of the start in a folder. engines: how many it holds."""

    def __init__(self, folder: Path, number: int = 1, engines: int = 1) -> None:
        rollout = shipped(Rollout, batch_tokens=80, replicas=engines)
        self.process: Any = get_context("fork").Process(
            target=_hold, args=(folder, number, rollout)
        )
        self.process.start()
        self._offer = folder / f"engines-{number}.json"

    def ready(self) -> Node:
        until(self._offer.exists)
        return self

    def below(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def engines(self) -> list[psutil.Process]:
        """Those that work for a fleet."""
        lenders = psutil.Process(self.process.pid).children()
        return [engine for lender in lenders for engine in lender.children()]

    def lose(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()


def _hold(folder: Path, number: int, rollout: Rollout) -> None:
    heart = folder / f"leader-{number}"

    def beat() -> bool:
        heart.touch()
        return (folder / "end").exists()

    beat()
    hold(SimpleNamespace(rollout=rollout), Lending(folder, number, 1, over=beat))


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """The folder of a start whose first node has begun."""
    folder = tmp_path / "start-0"
    folder.mkdir()
    engine_nodes.invite(folder, "127.0.0.1")
    return folder


@pytest.fixture
def node(start: Path) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def begin(*given: Any, folder: Path = start, **more: Any) -> Node:
        nodes.append(Node(folder, *given, **more))
        return nodes[-1]

    yield begin
    for one in nodes:
        if one.process.is_alive():
            one.process.kill()
            one.process.join()


def requests_of(fleet: Fleet, first: int = 0, count: int = 6) -> list[GenerationRequest]:
    prompt = fleet.tokenizer("3 + 14 = ").input_ids
    return [GenerationRequest(prompt, 2, seed=10 * (first + i)) for i in range(count)]


def in_process(model: Path, shards: list[list[GenerationRequest]]) -> Any:
    engine = open_engine(model, SMALL, threads=1)
    return [engine.generate(shard, FREE) for shard in shards]


def test_engines_of_a_node_that_comes_late_take_shards_and_one_that_is_lost_costs_only_its_own(
    start: Path, node: Callable[..., Node], tiny_model_dir: Path
) -> None:
    engines = Engines(start, [1, 2])  # the second one never comes
    asked: list[list[GenerationRequest]] = []
    left = 8  # shards, once it is lost

    def shards(fleet: Fleet) -> Iterator[list[GenerationRequest]]:
        nonlocal left
        while left:
            left -= len(lost) > 0
            asked.append(requests_of(fleet, 2 * len(asked), count=2))
            yield asked[-1]

    lost: list[psutil.Process] = []
    with Fleet.open(tiny_model_dir, SMALL, 1, OWN, engines=engines) as fleet:
        stream = fleet.stream(shards(fleet), FREE)
        answers = [next(stream)]
        late = node(1, engines=2)
        while len(late.engines()) < 2:
            answers.append(next(stream))
        lost += late.below()
        late.lose()
        assert [*answers, *stream] == in_process(tiny_model_dir, asked)
        assert fleet.deaths in (1, 2), "those that were at work"
    until(lambda: not any(process.is_running() for process in lost))


def test_engines_of_other_nodes_alone_answer_and_take_new_weights(
    start: Path, node: Callable[..., Node], tiny_model_dir: Path, tmp_path: Path
) -> None:
    """As RL has them: a folder, a broadcast, and an engine that starts again with the newest."""
    weights = load_file(tiny_model_dir / "model.safetensors")
    other = {name: tensor * 1.1 for name, tensor in weights.items()}
    folder = write_again(other, tiny_model_dir, tmp_path / "other")
    lends = node(1, engines=2)
    with Fleet.open(tiny_model_dir, SMALL, 1, NONE, engines=Engines(start, [1])) as fleet:
        requests = requests_of(fleet)
        old, new = (in_process(model, [requests])[0] for model in (tiny_model_dir, folder))
        assert fleet.generate(requests, FREE) == old
        assert len(lends.engines()) == 2
        fleet.sync(folder, version=1)
        assert fleet.generate(requests, FREE) == new
        fleet.broadcast(weights, version=2, again=lambda: tiny_model_dir)
        assert fleet.generate(requests, FREE) == old
        fleet.sync(folder, version=3)
        answers = fleet.answer(requests, FREE)
        drawn = next(answers)
        lends.engines()[0].kill()
        drawn += [pair for finished in answers for pair in finished]
        assert len(drawn) == 12
        assert {c.seed: c for _, c in drawn} == {c.seed: c for each in new for c in each}


def test_a_stage_whose_last_engine_node_is_lost_may_be_started_again(
    start: Path, node: Callable[..., Node], tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_nodes, "SILENT", 1.0)
    only = node(1)
    with Fleet.open(tiny_model_dir, SMALL, 1, NONE, engines=Engines(start, [1])) as fleet:
        answers = fleet.answer(requests_of(fleet, count=200), FREE)
        next(answers)
        only.lose()
        with pytest.raises(NodeLost, match="no node that holds engines for it answers any more"):
            list(answers)


def test_a_node_that_has_no_engines_says_why_where_there_is_no_other(
    start: Path, tiny_model_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (start / "leader-1").touch()
    Lending(start, 1, 1, over=lambda: False).give_up("rollout.replicas=9 do not fit its 8 GPUs")
    engines = Engines(start, [1])
    fleet = Fleet.open(tiny_model_dir, SMALL, 1, NONE, engines=engines)
    with pytest.raises(StageFailed, match="do not fit its 8 GPUs"):
        fleet.generate(requests_of(fleet), FREE)
    with Fleet.open(tiny_model_dir, SMALL, 1, OWN, engines=engines) as fleet:
        assert len(fleet.generate(requests_of(fleet), FREE)) == 6
    assert "a node that was to hold engines has none: rollout.replicas=9" in capfd.readouterr().err


def test_engines_of_an_earlier_start_are_not_used(
    start: Path, node: Callable[..., Node], tiny_model_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Even where a later start is told their address, as that of a machine that was held up."""
    earlier = node(1).ready()
    later = start.with_name("start-1")
    shutil.copytree(start, later, ignore=shutil.ignore_patterns(engine_nodes.INVITATION))
    engine_nodes.invite(later, "127.0.0.1")
    with Fleet.open(tiny_model_dir, SMALL, 1, OWN, engines=Engines(later, [1])) as fleet:
        assert len(fleet.generate(requests_of(fleet, count=20), FREE)) == 20
    assert not earlier.engines()
    assert "it goes on without an engine of another node: the engine at" in capfd.readouterr().err


def test_the_key_of_a_start_is_only_for_this_user(start: Path) -> None:
    assert (start / engine_nodes.INVITATION).stat().st_mode & 0o777 == 0o600
    (start / engine_nodes.INVITATION).unlink()
    (start / "end").touch()
    with pytest.raises(StageFailed, match="the first node of the job has not begun"):
        Lending(start, 1, 1, over=(start / "end").exists).invitation()
