"""What training is said to cost, and training that ends where another stage's budget does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

from pipeline.errors import UsageError
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import RewardTerm, RLConfig
from stages.kinds.sft import run as sft
from stages.kinds.sft.kind import SFTConfig
from stages.settings.generation import Sampling
from stages.settings.training import Optimizer
from stages.tiny.problems import generate
from stages.training import compute
from tests.shipped import shipped
from tests.training.odd_models import FAMILIES


def rl_config(**changes: Any) -> RLConfig:
    values: dict[str, Any] = {
        "kind": "rl",
        "seed": 0,
        "rewards": {"soft_format": RewardTerm(1.0)},
        "optimizer": Optimizer(learning_rate=1e-3),
        "sampling": Sampling(1.0, max_tokens=8),
        "max_steps": 30,
        "questions_per_step": 2,
        "samples_per_question": 4,
        "max_prompt_tokens": 200,
        "save_steps": 2,
    }
    return shipped(RLConfig, **{**values, **changes})


@pytest.fixture
def inputs(tiny_model_dir: Path, make_artifact: Any) -> dict[str, Any]:
    return {
        "init_from": (make_artifact("model", "base", model_dir=tiny_model_dir),),
        "data_from": (
            make_artifact("problems", "prompts", rows=generate("math", "en", 4, 0, "train")),
        ),
    }


def student(make_artifact: Any, tiny_model_dir: Path, facts: dict[str, Any]) -> Any:
    return make_artifact("model", "student", model_dir=tiny_model_dir, facts=facts)


def test_rl_ends_at_the_budget_of_the_student_and_a_kill_does_not_move_the_end(
    inputs: dict[str, Any],
    tiny_model_dir: Path,
    make_artifact: Any,
    make_context: Any,
    tmp_path: Path,
) -> None:
    size = compute.parameters(AutoModelForCausalLM.from_pretrained(tiny_model_dir))
    budget = {"compute": {"flops": 8.0 * size * 1500}}
    inputs["compute_as"] = (student(make_artifact, tiny_model_dir, budget),)
    straight, killed = make_context(tmp_path / "a"), make_context(tmp_path / "b")
    facts = rl.run(rl_config(), inputs, straight).facts
    steps = facts["steps"]
    assert 2 < steps < 30
    spent = facts["compute"]
    assert spent["flops"] == 8 * size * spent["tokens"] >= 8 * size * 1500
    assert spent["tokens"] * (steps - 1) / steps < 1500  # not a step more
    shutil.copytree(straight.work, killed.work, dirs_exist_ok=True)
    assert rl.run(rl_config(), inputs, killed).facts["steps"] == steps
    expected, found = (load_file(c.output / "model/model.safetensors") for c in (straight, killed))
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_stage_that_was_not_trained_here_has_no_budget(
    inputs: dict[str, Any], make_context: Any
) -> None:
    with pytest.raises(UsageError, match=r"stages\.stage\.compute_as=base: it does not say what"):
        rl.run(rl_config(), {**inputs, "compute_as": inputs["init_from"]}, make_context())


def test_sft_costs_six_operations_for_each_parameter_and_token(
    inputs: dict[str, Any], make_artifact: Any, make_context: Any
) -> None:
    rows = [
        {"id": f"c{n}", "domain": "math", "language": "en", "source": "tiny"}
        | {"prompt": [{"role": "user", "content": "3+4=?"}], "completion": "7"}
        for n in range(4)
    ]
    data = make_artifact("conversations", "rows", rows=rows)
    config = shipped(
        SFTConfig,
        "sft",
        optimizer=Optimizer(learning_rate=1e-3),
        epochs=2.0,
        batch_size=2,
        max_length=64,
        seed=0,
    )
    facts = sft.run(config, {**inputs, "data_from": (data,)}, make_context()).facts
    assert facts["compute"]["tokens"] == 2 * facts["tokens"]
    cost = facts["compute"]
    assert cost["flops"] == 6 * cost["parameters"] * cost["tokens"]


def test_an_embedding_counts_where_it_is_the_head(tiny_model_dir: Path) -> None:
    tied = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    config = AutoConfig.from_pretrained(tiny_model_dir, tie_word_embeddings=False)
    untied = AutoModelForCausalLM.from_config(config)
    assert compute.parameters(untied) == compute.parameters(tied)
    assert untied.num_parameters() > tied.num_parameters()


def test_of_a_mixture_those_experts_count_that_a_token_is_sent_to(tmp_path: Path) -> None:
    made = AutoModelForCausalLM.from_pretrained(FAMILIES["qwen3_moe"].write(tmp_path / "moe"))
    experts = 2 * 4 * 3 * 32 * 24  # layers, experts, projections of (32, 24); 2 of 4 are used
    looked_up = made.get_input_embeddings().weight.numel()
    assert compute.parameters(made) == made.num_parameters() - looked_up - experts // 2
