"""Which GPUs the engines of an RL stage have; counted, not used."""

from __future__ import annotations

import os

import pytest

from pipeline.errors import UsageError
from stages.rl.engine_devices import places, set_apart
from stages.rl.peers import Peers
from stages.settings.generation import Rollout
from tests.shipped import shipped


@pytest.fixture(autouse=True)
def six_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "torch.cuda.device_count", lambda: len(os.environ["CUDA_VISIBLE_DEVICES"].split(","))
    )
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3,4,5,6,7")


def test_the_last_gpus_are_the_engines_and_training_does_not_see_them() -> None:
    rollout = shipped(Rollout, own_gpus=4, tensor_parallel_size=2)
    own = set_apart(rollout, ahead=1)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "2,3"
    assert places(rollout, own, Peers(rollout)) == ["4,5", "6,7"]


def test_an_engine_that_shares_has_the_gpu_of_its_process() -> None:
    rollout = shipped(Rollout)
    assert set_apart(rollout, ahead=0) == []
    assert places(rollout, [], Peers(rollout)) == ["2"]


@pytest.mark.parametrize(
    ("own", "ahead", "said"),
    [(6, 0, "of 6 GPUs leave none to train on"), (0, 1, "would share the GPUs of training")],
)
def test_what_leaves_training_without_a_gpu_is_refused(own: int, ahead: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        set_apart(shipped(Rollout, own_gpus=own), ahead)
