"""The tiny base: its packed corpus, its tokenizer, its files, its resume."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from pipeline.errors import UsageError
from stages.chat.template import render_prompt
from stages.kinds.pretrain import run as pretrain
from stages.kinds.pretrain.kind import Corpus, ModelShape, PretrainConfig
from stages.settings.training import Optimizer
from stages.supervised.corpus import collate, rows_of
from stages.supervised.documents import IGNORED
from stages.training.common import load_model

CORPUS = Corpus(
    documents=600,
    tokenizer_documents=300,
    vocab_size=400,
    domains={"math": 1.0},
    styles={"worked": 1.0, "plain": 1.0},
    general_styles={"plain": 1.0},
    languages={"en": {"own": 1.0}, "zh": {"own": 1.0}},
    step_error={"en": 0.0, "zh": 0.0, "brief": 0.0, "check": 0.0},
)


def settings(family: str = "qwen2", **changes: Any) -> PretrainConfig:
    values: dict[str, Any] = {
        "shape": ModelShape(family, 32, 64, num_layers=2, num_heads=2, num_kv_heads=1),
        "corpus": CORPUS,
        "optimizer": Optimizer(learning_rate=1e-2, schedule="cosine", warmup_steps=2),
        "steps": 12,
        "batch_tokens": 1024,
        "sequence_length": 256,
        "save_steps": 4,
        "seed": 0,
    }
    return PretrainConfig(**{**values, **changes})


def losses(context: Any) -> list[float]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    return [point["loss"] for point in map(json.loads, lines) if "loss" in point]


@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_a_base_of_either_family_loads_in_plain_transformers_with_its_template(
    family: str, make_context: Any
) -> None:
    context = make_context()
    outputs = pretrain.run(settings(family), {}, context)
    assert outputs.facts["loss"] < losses(context)[0] - 1.0
    model = AutoModelForCausalLM.from_pretrained(context.output / "model")
    tokenizer = AutoTokenizer.from_pretrained(context.output / "model")
    assert (model.config.model_type, model.dtype) == (family, torch.bfloat16)
    prompt = render_prompt(tokenizer, [{"role": "user", "content": "计算3+4"}])
    assert prompt == "<|user|>计算3+4<|assistant|>"
    ids = tokenizer(prompt, return_tensors="pt")
    text = tokenizer.decode(model.generate(**ids, max_new_tokens=8)[0])
    assert text.startswith(prompt)
    thought = tokenizer("<think>3+4=7</think>").input_ids
    assert tokenizer.decode(thought[:1]) == "<think>"
    # what trains further holds fp32 weights, rounded once when they were published
    assert load_model(context.output / "model").dtype == torch.float32


def test_bases_of_one_corpus_and_seed_share_a_tokenizer_whatever_their_shape(
    make_context: Any, tmp_path: Path
) -> None:
    files = []
    larger = Corpus(**{**vars(CORPUS), "documents": 700})
    for name, config in {
        "qwen2": settings(steps=1),
        "llama": settings("llama", steps=1, corpus=larger),
    }.items():
        context = make_context(tmp_path / name)
        pretrain.run(config, {}, context)
        files.append((context.output / "model" / "tokenizer.json").read_bytes())
    assert files[0] == files[1]


def test_rows_hold_whole_documents_and_learn_all_but_their_first_token(
    tiny_model_dir: Path,
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    texts = [f"<|user|>{n} + 1<|assistant|>{n + 1}<|end|>" for n in range(40)]
    rows = rows_of(tokenizer, texts, length=64, tokens=10**6)
    batch = collate([rows[index] for index in range(len(rows))])
    starts = batch["position_ids"] == 0
    real = batch["input_ids"] != tokenizer.pad_token_id
    documents = [
        tokenizer.decode(part[part != tokenizer.pad_token_id])
        for row, start in zip(batch["input_ids"], starts, strict=True)
        for part in row.tensor_split(start.nonzero().flatten().tolist())
    ]
    assert sorted(text for text in documents if text) == sorted(texts)
    assert (batch["labels"][starts] == IGNORED).all()
    assert torch.equal(batch["labels"][~starts], batch["input_ids"][~starts])
    assert batch["tokens"].sum() == (real & ~starts).sum()
    assert float(real.float().mean()) > 0.8


def test_only_as_many_rows_are_made_as_training_needs(tiny_model_dir: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    endless = (f"<|user|>{n}<|end|>" for n in iter(int, 1))
    assert 64 * len(rows_of(tokenizer, endless, length=64, tokens=1000)) >= 1000


def test_a_document_longer_than_a_row_is_refused(tiny_model_dir: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    with pytest.raises(UsageError, match="sequence_length is 8"):
        rows_of(tokenizer, ["1 2 3 4 5 6 7 8 9 10"], length=8, tokens=100)


def test_it_resumes_from_a_checkpoint_to_the_same_weights(
    make_context: Any, tmp_path: Path
) -> None:
    straight, resumed = make_context(tmp_path / "a"), make_context(tmp_path / "b")
    pretrain.run(settings(), {}, straight)
    shutil.copytree(straight.work, resumed.work, dirs_exist_ok=True)
    shutil.rmtree(resumed.work / "checkpoint-12")  # as if killed between 8 and 12
    pretrain.run(settings(), {}, resumed)
    assert losses(resumed) == losses(straight)
    expected = load_file(straight.output / "model" / "model.safetensors")
    actual = load_file(resumed.output / "model" / "model.safetensors")
    assert all(torch.equal(actual[name], expected[name]) for name in expected)
