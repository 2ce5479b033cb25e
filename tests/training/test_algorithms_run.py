"""Every algorithm trains for real through the RL stage, and a kill changes nothing."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from safetensors.torch import load_file

from stages import rl
from stages.configs import Algorithm, Optimizer, Rationalisation, RewardTerm, RLConfig, Sampling
from stages.training import common

CONF = Path(__file__).resolve().parents[2] / "conf"
NOT_EXACT = ("time", "step_seconds", "tokens_per_second")
NAMES = sorted(path.stem for path in (CONF / "algorithm").glob("[a-z]*.yaml"))


def algorithm(name: str) -> Algorithm:
    """As the recipe has it; right is here to think in the question's language."""
    with initialize_config_dir(str(CONF / "algorithm"), version_base="1.3"):
        found = OmegaConf.to_container(compose(name))
    assert isinstance(found, dict)
    del found["dynamic_sampling"]  # a key of the stage
    shipped = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Algorithm), found))
    assert isinstance(shipped, Algorithm)
    return dataclasses.replace(shipped, right=["language"])


def config(name: str, **changes: Any) -> RLConfig:
    base: dict[str, Any] = {
        "kind": "rl",
        "seed": 3,
        "algorithm": algorithm(name),
        "rewards": {"language": RewardTerm(), "format": RewardTerm()},
        "optimizer": Optimizer(learning_rate=1e-3),
        "sampling": Sampling(max_tokens=24),
        "max_steps": 2,
        "questions_per_step": 4,
        "samples_per_question": 4,
        "max_prompt_tokens": 200,
        "micro_batch": 7,
        "save_steps": 2,
    }
    return RLConfig(**(base | changes))


def curves(context: Any) -> list[dict[str, float]]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in NOT_EXACT} for line in lines]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("name", NAMES)
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
