"""A model small enough to be trained in a second, whose rewards differ from sample to sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

THOUGHTS = ("Wait, let me check", "A says the answer is", "小明有三个苹果", "先算所以答案是")


def speaking_problems() -> list[dict[str, Any]]:
    """Five questions in English and the same number in Chinese."""
    from stages.tiny.problems import generate

    return [row for language in ("en", "zh") for row in generate("math", language, 5, 0, "train")]


@pytest.fixture(scope="session")
def speaking_model_dir(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, taught to speak."""
    from stages.training import common

    model = common.load_model(tiny_model_dir)
    return taught(model, tiny_model_dir, tmp_path_factory.mktemp("speaking") / "model")


def taught(model: Any, tokenizer_dir: Path, directory: Path) -> Path:
    """A model after 100 steps on tagged thoughts in either language, whatever was asked."""
    import torch

    from stages.training import common

    tokenizer = common.load_tokenizer(tokenizer_dir)
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    prompts = [
        tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
        for row in speaking_problems()
    ]
    texts = [
        f"{prompt}<think>{thought}</think><answer>{number}</answer>{tokenizer.eos_token}"
        for prompt in prompts
        for thought in THOUGHTS
        for number in (7, 15)
    ]
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    labels = batch.input_ids.masked_fill(batch.attention_mask == 0, -100)
    for _ in range(100):
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    common.save_model(model, tokenizer, directory)
    return directory


@pytest.fixture
def speaking_inputs(speaking_model_dir: Path, make_artifact: Callable[..., Any]) -> dict[str, Any]:
    """What an RL stage on that model takes."""
    base = make_artifact("model", "base", model_dir=speaking_model_dir)
    data = make_artifact("problems", "problems", rows=speaking_problems())
    return {"init_from": (base,), "data_from": (data,)}
