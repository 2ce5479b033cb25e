"""Adopting an existing checkpoint: a local folder, or a clear message."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from pipeline.errors import RecipeError, UsageError
from stages.chat.template import CHAT_TEMPLATE
from stages.kinds.pretrained import run as pretrained
from stages.kinds.pretrained.kind import PretrainedConfig
from stages.settings.hub import Hub
from tests.shipped import shipped

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
    tokenizer.eos_token = "</answer>"
    tokenizer.save_pretrained(folder)
    context = make_context()
    pretrained.run(PretrainedConfig(path=str(folder)), {}, context)
    adopted = AutoTokenizer.from_pretrained(context.output / "model")
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    text = adopted.apply_chat_template(turns, tokenize=False)
    assert text == "<|user|>a<|assistant|>b</answer>"


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
    config = PretrainedConfig(path="nobody/no-such-model", hub=shipped(Hub))
    with pytest.raises(RecipeError, match=r"stages\.base\.path=nobody/no-such-model") as raised:
        pretrained.run(config, {}, make_context(stage="base"))
    assert "HF_HUB_OFFLINE is set" in str(raised.value)
    assert "stages.base.path=FOLDER" in str(raised.value)


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
