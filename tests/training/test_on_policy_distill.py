"""On-policy distillation: it nears the teacher, goes on exactly, and refuses another vocabulary."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from pipeline.errors import RecipeError, StageFailed
from stages.chat.template import END, render_prompt, tagged
from stages.kinds.on_policy_distill import run as on_policy_distill
from stages.kinds.on_policy_distill.kind import OnPolicyDistillConfig
from stages.rl.distiller import prompt_order
from stages.settings.generation import Sampling
from stages.settings.training import Optimizer
from tests.shipped import shipped

QUESTIONS = {"3+4=?": "7", "8-5=?": "3", "2+9=?": "11"}


@pytest.fixture(scope="module")
def model_dirs(tiny_model_dir: Path, tmp_path_factory: Any) -> tuple[Path, Path]:
    """A student that has begun to learn three answers, and a teacher that knows them.

    Published in bf16, as models are. From an untrained student the reverse KL leads nowhere: it
    never says what the teacher would.
    """
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    model = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    texts = [
        render_prompt(tokenizer, [{"role": "user", "content": question}]) + tagged("", answer) + END
        for question, answer in QUESTIONS.items()
    ]
    batch = tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
    labels = batch.input_ids.masked_fill(batch.attention_mask == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    root = tmp_path_factory.mktemp("models")
    for step in range(1, 61):
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step in (15, 60):
            copy = AutoModelForCausalLM.from_pretrained(tiny_model_dir, dtype=torch.bfloat16)
            copy.load_state_dict(model.state_dict())
            copy.save_pretrained(root / str(step))
            tokenizer.save_pretrained(root / str(step))
    return root / "15", root / "60"


@pytest.fixture
def inputs(model_dirs: tuple[Path, Path], make_artifact: Any) -> dict[str, Any]:
    rows = [
        {"id": question, "domain": "math", "language": "en", "verifier": "math", "source": "tiny"}
        | {"prompt": [{"role": "user", "content": question}], "reference": answer, "metadata": "{}"}
        for question, answer in QUESTIONS.items()
    ]
    return {
        "init_from": (make_artifact("model", "student_base", model_dir=model_dirs[0]),),
        "teach_with": (make_artifact("model", "dev2", model_dir=model_dirs[1]),),
        "data_from": (make_artifact("problems", "prompts", rows=rows),),
    }


def settings(**changes: Any) -> OnPolicyDistillConfig:
    values: dict[str, Any] = {
        "optimizer": Optimizer(learning_rate=3e-3),
        "sampling": Sampling(temperature=1.0, max_tokens=12),
        "max_steps": 12,
        "prompts_per_step": 8,
        "divergence": 1.0,
        "max_prompt_tokens": 64,
        "micro_batch": 4,  # two passes a step
        "save_steps": 5,
        "seed": 0,
    }
    return shipped(OnPolicyDistillConfig, "on_policy_distill", **{**values, **changes})


def curve(context: Any, name: str) -> list[float]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)[name] for line in lines]


def test_the_student_nears_its_teacher_on_what_it_says_itself(
    inputs: dict[str, Any], make_context: Any
) -> None:
    context = make_context()
    outputs = on_policy_distill.run(settings(), inputs, context)
    loss = curve(context, "loss")
    assert len(loss) == 12
    assert sum(loss[-3:]) < 0.7 * sum(loss[:3])
    assert all(0 < length <= 12 for length in curve(context, "length"))
    facts = outputs.facts
    assert (facts["steps"], facts["completions"], facts["teacher"]) == (12, 96, "dev2")
    cost = facts["compute"]
    assert cost["flops"] == pytest.approx(10 * cost["parameters"] * cost["tokens"])  # 2 + 6 + 2
    AutoModelForCausalLM.from_pretrained(context.output / "model")


def test_killed_in_a_later_epoch_it_goes_on_to_the_same_weights_and_curves(
    inputs: dict[str, Any], make_context: Any, tmp_path: Path
) -> None:
    straight, resumed = make_context(tmp_path / "a"), make_context(tmp_path / "b")
    on_policy_distill.run(settings(), inputs, straight)
    shutil.copytree(straight.work, resumed.work, dirs_exist_ok=True)
    shutil.rmtree(resumed.work / "checkpoint-12")  # as if killed after step 10
    on_policy_distill.run(settings(), inputs, resumed)
    for name in ("loss", "length", "entropy"):
        assert curve(resumed, name) == curve(straight, name)
    expected = load_file(straight.output / "model" / "model.safetensors")
    actual = load_file(resumed.output / "model" / "model.safetensors")
    assert all(torch.equal(actual[name], expected[name]) for name in expected)


def test_a_loss_that_is_no_number_ends_the_stage_and_shows_what_was_said(
    inputs: dict[str, Any], make_artifact: Any, make_context: Any, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(inputs["teach_with"][0].model_path, broken)
    model = AutoModelForCausalLM.from_pretrained(broken)
    model.get_input_embeddings().weight.data.fill_(torch.nan)
    model.save_pretrained(broken)
    inputs["teach_with"] = (make_artifact("model", "broken", model_dir=broken),)
    context = make_context()
    with pytest.raises(StageFailed, match=r"loss of step 1 is nan.*bad_batch\.jsonl"):
        on_policy_distill.run(settings(), inputs, context)
    lines = (context.work / "bad_batch.jsonl").read_text().splitlines()
    assert {json.loads(line)["row"] for line in lines} <= set(QUESTIONS)
    assert all("completion" in json.loads(line) for line in lines)
    assert not list(context.work.glob("checkpoint-*"))


def test_a_teacher_of_another_vocabulary_is_refused(
    inputs: dict[str, Any], make_artifact: Any, make_context: Any, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(inputs["teach_with"][0].model_path, other)
    tokenizer = AutoTokenizer.from_pretrained(other)
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(other)
    inputs["teach_with"] = (make_artifact("model", "llama", model_dir=other),)
    with pytest.raises(
        RecipeError, match=r"teach_with=llama: its vocabulary .* is not the student"
    ):
        on_policy_distill.run(settings(), inputs, make_context())


def test_every_prompt_comes_once_in_an_epoch() -> None:
    order = prompt_order(5, 12, seed=1)
    assert sorted(order[:5]) == sorted(order[5:10]) == list(range(5))
    assert order[:5] != order[5:10]
    assert prompt_order(5, 20, seed=1)[:12] == order
