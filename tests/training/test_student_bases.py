"""A student's base as DeepSeek changed it: more positions, another template, the same weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from pipeline.errors import UsageError
from stages.chat.template import render_prompt
from stages.kinds.pretrained import run as pretrained
from stages.kinds.pretrained.kind import ModelContext, PretrainedConfig
from stages.kinds.sft import run as sft
from stages.kinds.sft.kind import SFTConfig
from stages.models.window import read_window
from stages.settings.rope import RopeScaling
from stages.settings.training import Optimizer
from stages.training.common import load_model, load_tokenizer, save_model
from tests.shipped import shipped


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkpoint without the recipe's tokens; its embeddings have rows to spare, as Qwen's do."""
    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.NFC()
    words = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated")
    in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.pre_tokenizer = pre_tokenizers.Sequence([words, in_bytes])
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet
    )
    backend.train_from_iterator(["a thought is told"], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|endoftext|>")
    tokenizer.model_max_length = 512
    tokenizer.chat_template = "You are helpful. {{ messages[0].content }}"
    config = Qwen2Config(
        vocab_size=len(tokenizer) + 8,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
    )
    Qwen2ForCausalLM(config).save_pretrained(tmp_path / "bare")
    tokenizer.save_pretrained(tmp_path / "bare")
    return tmp_path / "bare"


def test_a_context_is_published_with_the_same_weights_and_trained_at_its_length(
    bare: Path, make_context: Any, make_artifact: Any, tmp_path: Path
) -> None:
    changed = make_context(tmp_path / "changed")
    config = PretrainedConfig(path=str(bare), context=ModelContext(256, 300000.0))
    facts = pretrained.run(config, {}, changed).facts
    model = changed.output / "model"
    assert facts["positions"] == 256
    told = AutoConfig.from_pretrained(model)
    assert (told.max_position_embeddings, told.rope_parameters["rope_theta"]) == (256, 300000.0)
    assert AutoTokenizer.from_pretrained(model).model_max_length == 512  # it was enough
    for file in bare.glob("*.safetensors"):
        assert (model / file.name).read_bytes() == file.read_bytes()
    ids = torch.arange(200)[None]
    logits = AutoModelForCausalLM.from_pretrained(model)(ids).logits
    assert not torch.allclose(logits, AutoModelForCausalLM.from_pretrained(bare)(ids).logits)
    prompt = [{"role": "user", "content": "a thought"}]
    row = {"id": "1", "prompt": prompt, "completion": "is told " * 60, "domain": "general"}
    rows = [row | {"language": "en", "source": "mine"}] * 2
    settings = shipped(
        SFTConfig,
        kind="sft",
        seed=0,
        optimizer=Optimizer(learning_rate=1e-3),
        epochs=1,
        batch_size=2,
    )
    settings.max_length = 256
    data = make_artifact("conversations", "data", rows=rows)
    base = make_artifact("model", "base", model_dir=model)
    done = sft.run(settings, {"init_from": (base,), "data_from": (data,)}, make_context())
    assert done.funnel["documents"] == 2
    assert done.facts["tokens"] > 2 * 128
    narrow = make_artifact("model", "narrow", model_dir=bare)
    with pytest.raises(UsageError, match=r"stages\.stage\.max_length: asks for 256 tokens"):
        sft.run(settings, {"init_from": (narrow,), "data_from": (data,)}, make_context())


@pytest.mark.parametrize(("kind", "named"), [("yarn", 256), ("llama3", 256), ("linear", 64)])
def test_stretched_positions_are_those_of_transformers_and_go_with_what_is_trained(
    kind: str, named: int, bare: Path, make_context: Any, tmp_path: Path
) -> None:
    """vLLM takes max_position_embeddings as it is, but of `linear`, which it multiplies."""
    scaling = RopeScaling(kind, 4.0)
    asked = ModelContext(rope_scaling={"rope_type": kind, "factor": 4})
    config = PretrainedConfig(path=str(bare), context=asked)
    context = make_context()
    assert pretrained.run(config, {}, context).facts["positions"] == 256
    model = context.output / "model"
    ours = AutoModelForCausalLM.from_pretrained(model)
    theirs = AutoConfig.from_pretrained(bare)
    theirs.rope_parameters = {**theirs.rope_parameters, **scaling.parameters(64)}
    assert ours.config.max_position_embeddings == named
    expected = AutoModelForCausalLM.from_pretrained(bare, config=theirs)
    ids = torch.arange(200)[None]
    assert torch.equal(ours(ids).logits, expected(ids).logits)
    assert not torch.allclose(ours(ids).logits, AutoModelForCausalLM.from_pretrained(bare)(ids)[0])
    save_model(load_model(model), load_tokenizer(model), tmp_path / "trained")
    assert read_window(tmp_path / "trained" / "config.json") == 256
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "trained")
    assert torch.equal(again(ids).logits, expected(ids).logits)


def test_a_window_that_only_yarn_names_is_written_where_vllm_looks(
    bare: Path, make_context: Any
) -> None:
    facts = json.loads((bare / "config.json").read_text())
    facts["rope_parameters"] |= RopeScaling("yarn", 4.0).parameters(64)
    (bare / "config.json").write_text(json.dumps(facts))
    context = make_context()
    found = pretrained.run(PretrainedConfig(path=str(bare)), {}, context).facts
    assert "max_position_embeddings is 256" in found["warnings"][0]
    told = json.loads((context.output / "model" / "config.json").read_text())
    assert told["max_position_embeddings"] == 256


def test_the_recipes_template_has_roles_and_thoughts_as_single_tokens_where_rows_are_spare(
    bare: Path, make_context: Any, tmp_path: Path
) -> None:
    context = make_context(tmp_path / "out")
    config = PretrainedConfig(path=str(bare), chat_template="recipe")
    facts = pretrained.run(config, {}, context).facts
    assert facts["chat_template"] == "recipe"
    model = context.output / "model"
    tokenizer = AutoTokenizer.from_pretrained(model)
    text = render_prompt(tokenizer, [{"role": "user", "content": "a"}])
    assert text == "<|user|>a<|assistant|>"  # no system prompt of the model's own
    ids = tokenizer(text + "<think>a</think>", add_special_tokens=False).input_ids
    assert len(ids) == 6
    assert max(ids) < AutoConfig.from_pretrained(model).vocab_size
    assert tokenizer.decode(ids, skip_special_tokens=True) == "a<think>a</think>"
    assert AutoTokenizer.from_pretrained(bare)("a").input_ids == [ids[1]]


def test_without_spare_rows_the_recipes_roles_are_spelt(
    bare: Path, make_context: Any, tmp_path: Path
) -> None:
    model = AutoModelForCausalLM.from_pretrained(bare)
    model.resize_token_embeddings(model.config.vocab_size - 8)
    model.save_pretrained(bare)
    context = make_context(tmp_path / "out")
    config = PretrainedConfig(path=str(bare), chat_template="recipe")
    assert pretrained.run(config, {}, context).facts["chat_tokens_added"] == []
    tokenizer = AutoTokenizer.from_pretrained(context.output / "model")
    assert len(tokenizer("<|user|>").input_ids) > 1


def test_a_template_begins_as_the_models_own_texts_do(bare: Path, make_context: Any) -> None:
    told = json.loads((bare / "tokenizer.json").read_text())
    told["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            "<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}
        },
    }
    (bare / "tokenizer.json").write_text(json.dumps(told))
    settings = json.loads((bare / "tokenizer_config.json").read_text())
    (bare / "tokenizer_config.json").write_text(
        json.dumps(settings | {"bos_token": "<|endoftext|>"})
    )
    context = make_context()
    pretrained.run(PretrainedConfig(path=str(bare), chat_template="recipe"), {}, context)
    tokenizer = AutoTokenizer.from_pretrained(context.output / "model")
    text = render_prompt(tokenizer, [{"role": "user", "content": "a"}])
    assert text == "<|endoftext|><|user|>a<|assistant|>"


def test_positions_that_are_weights_cannot_be_more(bare: Path, make_context: Any) -> None:
    facts = json.loads((bare / "config.json").read_text())
    del facts["rope_parameters"]
    (bare / "config.json").write_text(json.dumps(facts))
    config = PretrainedConfig(path=str(bare), context=ModelContext(positions=4096))
    with pytest.raises(UsageError, match=r"stages\.stage\.context: .*no rotary positions"):
        pretrained.run(config, {}, make_context())
