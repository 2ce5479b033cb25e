"""Adopting an existing checkpoint: a local folder, or a clear message."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
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
from stages import pretrained, sft
from stages.configs import ModelContext, Optimizer, PretrainedConfig, SFTConfig
from stages.data.template import CHAT_TEMPLATE, render_prompt
from stages.tiny.tokenizer import _splitting as splitting

TEXT = "12 + 3 = 15，等等 <think>x</think>"


@pytest.fixture
def folder(tiny_model_dir: Path, tmp_path: Path) -> Path:
    """A model's folder that a user might have, without a chat template."""
    copy = shutil.copytree(tiny_model_dir, tmp_path / "mine")
    (copy / "chat_template.jinja").unlink()
    return Path(copy)


def test_a_local_folder_is_adopted_with_its_tokenizer_and_the_recipes_template(
    folder: Path, make_context: Any
) -> None:
    (folder / "optimizer.pt").write_bytes(b"not wanted")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    context = make_context()
    facts = pretrained.run(PretrainedConfig(path=str(folder)), {}, context).facts
    model = context.output / "model"
    assert facts["chat_template"] == "recipe"
    assert facts["model_type"] == "qwen2"
    assert not (model / "optimizer.pt").exists()
    AutoModelForCausalLM.from_pretrained(model)
    tokenizer = AutoTokenizer.from_pretrained(model)
    assert tokenizer(TEXT).input_ids == AutoTokenizer.from_pretrained(folder)(TEXT).input_ids
    assert tokenizer.chat_template == CHAT_TEMPLATE
    # the user's files are neither changed nor shared with the artifact
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    (folder / "config.json").write_text("{}")
    assert json.loads((model / "config.json").read_text())["model_type"] == "qwen2"


def test_the_recipes_template_ends_a_turn_with_the_models_own_end_token(
    folder: Path, make_context: Any
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.eos_token = "<|im_end|>"
    tokenizer.save_pretrained(folder)
    context = make_context()
    pretrained.run(PretrainedConfig(path=str(folder)), {}, context)
    adopted = AutoTokenizer.from_pretrained(context.output / "model")
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    text = adopted.apply_chat_template(turns, tokenize=False)
    assert text == "<|user|>a<|assistant|>b<|im_end|>"


def test_a_models_own_template_stays_unless_another_is_given(
    tiny_model_dir: Path, make_context: Any, tmp_path: Path
) -> None:
    own = make_context(tmp_path / "own")
    config = PretrainedConfig(path=str(tiny_model_dir))
    assert pretrained.run(config, {}, own).facts["chat_template"] == "model"
    template = tmp_path / "plain.jinja"
    template.write_text("{% for m in messages %}[{{ m.role }}] {{ m.content }} {% endfor %}Answer:")
    given = make_context(tmp_path / "given")
    config.chat_template = str(template)
    assert pretrained.run(config, {}, given).facts["chat_template"] == "given"
    tokenizer = AutoTokenizer.from_pretrained(given.output / "model")
    rendered = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert rendered == "[user] hi Answer:"


def test_a_name_that_cannot_be_found_says_key_reason_and_remedy(make_context: Any) -> None:
    config = PretrainedConfig(path="nobody/no-such-model")
    with pytest.raises(UsageError, match=r"stages\.base\.path=nobody/no-such-model") as raised:
        pretrained.run(config, {}, make_context(stage="base"))
    assert "HF_TOKEN" in str(raised.value)
    assert "safetensors" in str(raised.value)


def test_a_folder_without_safetensors_says_what_it_has(folder: Path, make_context: Any) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"pytorch_model\.bin is a pickle"):
        pretrained.run(PretrainedConfig(path=str(folder)), {}, make_context())


def test_a_template_that_cannot_render_a_question_is_refused(
    folder: Path, make_context: Any, tmp_path: Path
) -> None:
    template = tmp_path / "broken.jinja"
    template.write_text("{{ raise_exception('system message needed') }}")
    config = PretrainedConfig(path=str(folder), chat_template=str(template))
    with pytest.raises(UsageError, match="system message needed"):
        pretrained.run(config, {}, make_context())


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkpoint that knows none of the recipe's tokens and whose embeddings have rows to spare."""
    torch.manual_seed(0)
    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = splitting(PRETOKENIZE_REGEX)
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
    row = {"id": "1", "prompt": prompt, "completion": "is told " * 20, "domain": "general"}
    rows = [row | {"language": "en", "source": "mine"}] * 2
    settings = SFTConfig(
        kind="sft", seed=0, optimizer=Optimizer(learning_rate=1e-3), epochs=1, batch_size=2
    )
    settings.max_length = 256
    data = make_artifact("conversations", "data", rows=rows)
    base = make_artifact("model", "base", model_dir=model)
    done = sft.run(settings, {"init_from": (base,), "data_from": (data,)}, make_context())
    assert done.funnel["documents"] == 2
    assert done.facts["tokens"] > 2 * 64
    narrow = make_artifact("model", "narrow", model_dir=bare)
    with pytest.raises(UsageError, match=r"stages\.stage\.max_length: asks for 256 tokens"):
        sft.run(settings, {"init_from": (narrow,), "data_from": (data,)}, make_context())


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
    assert len(ids) == 7
    assert max(ids) < AutoConfig.from_pretrained(model).vocab_size
    assert tokenizer.decode(ids, skip_special_tokens=True) == "a<think>a</think>"
    assert AutoTokenizer.from_pretrained(bare)("a").input_ids == [ids[1]]


def test_without_spare_rows_the_recipes_roles_are_spelt(
    bare: Path, make_context: Any, tmp_path: Path
) -> None:
    facts = json.loads((bare / "config.json").read_text())
    crowded = json.dumps(facts | {"vocab_size": facts["vocab_size"] - 8})
    (bare / "config.json").write_text(crowded)
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


def test_positions_that_are_weights_cannot_be_more(folder: Path, make_context: Any) -> None:
    facts = json.loads((folder / "config.json").read_text())
    del facts["rope_parameters"]
    (folder / "config.json").write_text(json.dumps(facts))
    config = PretrainedConfig(path=str(folder), context=ModelContext(positions=4096))
    with pytest.raises(UsageError, match=r"stages\.stage\.context: .*no rotary positions"):
        pretrained.run(config, {}, make_context())
