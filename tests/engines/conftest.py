"""An RL stage on the small model that speaks, trained by the stand-in of verl."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.kinds.rl.config import RewardTerm, RLConfig
from stages.settings.engine import Engine
from stages.settings.generation import Rollout, Sampling
from stages.settings.training import Optimizer, Precision
from tests.shipped import shipped
from tests.training.conftest import speaking_inputs, speaking_model_dir  # noqa: F401

STAND_IN = Path(__file__).with_name("stand_in.py")


@pytest.fixture
def engine_python(tmp_path: Path) -> Path:
    """What `engine.python` names: the stand-in, whatever module is asked of it."""
    path = tmp_path / "engine-python"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def elsewhere(engine_python: Path) -> Callable[..., RLConfig]:
    """A config of such a stage: 6 steps in rollouts of 2, the reference replaced every 4."""

    def config(*words: str, **changes: object) -> RLConfig:
        engine = Engine(
            "verl", list(words), str(engine_python), nodes=1, gpus_per_node=1,
            address="127.0.0.1", patience_minutes=0.2,
        )  # fmt: skip
        base = {
            "kind": "rl",
            "seed": 3,
            "rewards": {"language": RewardTerm(1.0), "format": RewardTerm(1.0)},
            "optimizer": Optimizer(learning_rate=1e-3),
            "sampling": Sampling(1.0, max_tokens=24),
            "rollout": Rollout(engine="vllm"),
            "precision": Precision(bf16=True),
            "max_steps": 6,
            "steps_per_rollout": 2,
            "reference_sync_steps": 4,
            "kl_coefficient": 0.001,
            "questions_per_step": 4,
            "samples_per_question": 4,
            "max_prompt_tokens": 200,
            "save_steps": 2,
            "checking_words": ["wait"],
            "engine": engine,
        }
        return shipped(RLConfig, **(base | changes))

    return config
