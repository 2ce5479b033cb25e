"""Every algorithm trains for real through the RL stage, and a kill changes nothing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from safetensors.torch import load_file

from stages.kinds.rl import run as rl
from stages.kinds.rl.config import Algorithm, RewardTerm, RLConfig
from stages.rl.algorithms.drawing import AlgorithmDrawer
from stages.settings.generation import Sampling
from stages.settings.training import Optimizer
from tests.shipped import shipped

CONF = Path(__file__).resolve().parents[2] / "conf"
NOT_EXACT = ("time", "step_seconds", "tokens_per_second")
WITH_A_SECOND_MODEL = ("ppo", "dpo", "star")
NAMES = sorted(path.stem for path in (CONF / "algorithm").glob("[a-z]*.yaml"))


def algorithm(name: str) -> Algorithm:
    """As the recipe has it; right is here to think in the question's language."""
    with initialize_config_dir(str(CONF / "algorithm"), version_base="1.3"):
        found = OmegaConf.to_container(compose(name))
    shipped = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Algorithm), found))
    assert isinstance(shipped, Algorithm)
    return dataclasses.replace(shipped, right=["language"])


def config(name: str, **changes: Any) -> RLConfig:
    base: dict[str, Any] = {
        "kind": "rl",
        "seed": 3,
        "algorithm": algorithm(name),
        "rewards": {"language": RewardTerm(1.0), "format": RewardTerm(1.0)},
        "optimizer": Optimizer(learning_rate=1e-3),
        "sampling": Sampling(1.0, max_tokens=24),
        "max_steps": 2,
        "questions_per_step": 4,
        "samples_per_question": 4,
        "max_prompt_tokens": 200,
        "micro_batch": 7,
        "save_steps": 2,
    }
    return shipped(RLConfig, **(base | changes))


def curves(context: Any) -> list[dict[str, float]]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in NOT_EXACT} for line in lines]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITH_A_SECOND_MODEL])
def test_two_steps_change_the_weights_and_count_what_they_cost(
    name, speaking_inputs, speaking_model_dir, make_context
):
    context = make_context()
    outputs = rl.run(config(name), speaking_inputs, context)
    before, after = weights(speaking_model_dir), weights(context.output / "model")
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[key], after[key]) for key in before)
    assert outputs.facts["completions"] == 2 * 16
    assert all(point["grad_norm"] > 0 for point in curves(context))


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the stage's own code runs after it."""


def run_until(step: int, settings: RLConfig, inputs: Any, context: Any, monkeypatch: Any) -> None:
    """The stage up to the rollout of optimiser step `step`, counted from 0."""
    draw = AlgorithmDrawer.draw

    def draw_or_die(self: AlgorithmDrawer, count: int, now: int) -> Any:
        if now == step:
            raise Killed
        return draw(self, count, now)

    with monkeypatch.context() as patch:
        patch.setattr(AlgorithmDrawer, "draw", draw_or_die)
        with pytest.raises(Killed):
            rl.run(settings, inputs, context)


@pytest.mark.parametrize("name", WITH_A_SECOND_MODEL)
def test_a_killed_run_goes_on_to_the_same_weights_curves_and_second_model(
    name, speaking_inputs, speaking_model_dir, make_context, tmp_path, monkeypatch
):
    settings = config(name, max_steps=4, save_steps=1)
    settings.algorithm.rounds = 2  # STaR's second begins with step 2
    whole, broken = make_context(tmp_path / "whole"), make_context(tmp_path / "broken")
    rl.run(settings, speaking_inputs, whole)
    run_until(3, settings, speaking_inputs, broken, monkeypatch)
    torch.manual_seed(99)  # a new process has another generator
    rl.run(settings, speaking_inputs, broken)
    assert curves(broken) == curves(whole)
    trained = weights(whole.output / "model")
    assert_equal(weights(broken.output / "model"), trained)
    before = weights(speaking_model_dir)
    assert any(not torch.equal(before[key], trained[key]) for key in before)
    last, right = broken.work / "checkpoint-4", whole.work / "checkpoint-4"
    assert {path.name for path in last.iterdir()} == {path.name for path in right.iterdir()}
    for file in ("critic.safetensors", "sampler.safetensors"):
        if (right / file).exists():
            assert_equal(load_file(last / file), load_file(right / file))
    if name == "ppo":
        found, wanted = (
            torch.load(folder / "critic_optimizer.pt")["state"] for folder in (last, right)
        )
        assert found.keys() == wanted.keys() != set()
        for key in wanted:
            assert_equal(found[key], wanted[key])


def test_each_round_of_star_samples_from_the_last_and_trains_the_start_again(
    speaking_inputs, speaking_model_dir, make_context
):
    context, rate = make_context(), 1e-3
    settings = config("star", save_steps=1, optimizer=Optimizer(learning_rate=rate))
    settings.algorithm.rounds = 2
    rl.run(settings, speaking_inputs, context)
    first, second = context.work / "checkpoint-1", context.work / "checkpoint-2"
    start, sampler = weights(speaking_model_dir), load_file(second / "sampler.safetensors")
    names = sampler.keys() & start.keys()  # tied weights have another name in each file
    assert len(names) == len(start) - 1
    assert_equal({k: sampler[k] for k in names}, {k: weights(first)[k] for k in names})
    moved = max(float((weights(second)[key] - start[key]).abs().max()) for key in start)
    assert 0.5 * rate < moved < 1.01 * rate  # Adam's first step; a second would add to it


def assert_equal(found: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    assert found.keys() == right.keys()
    for name in right:
        assert torch.equal(found[name], right[name]), name
