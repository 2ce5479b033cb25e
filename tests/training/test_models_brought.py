"""A checkpoint of any origin: what would fail later is told where it comes in, with a remedy."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pipeline.errors import UsageError
from stages.chat.template import render_prompt
from stages.kinds.pretrained import run as pretrained
from stages.kinds.pretrained.kind import PretrainedConfig
from stages.models.folder import brings_code
from stages.project import main
from stages.settings.hub import Hub
from stages.training.common import load_model, load_tokenizer, save_model
from tests.shipped import shipped

SECRET = Path("/etc/passwd")
CODE = """
from transformers import Qwen2Config, Qwen2ForCausalLM

class MineConfig(Qwen2Config):
    model_type = "mine"

class MineForCausalLM(Qwen2ForCausalLM):
    config_class = MineConfig
"""


@pytest.fixture
def folder(tiny_model_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model_dir, tmp_path / "mine"))


def edit(file: Path, change: Callable[[Any], None]) -> None:
    facts = json.loads(file.read_text())
    change(facts)
    file.write_text(json.dumps(facts))


def half_of_the_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def more_tokens_than_embeddings(folder: Path) -> None:
    edit(folder / "tokenizer.json", lambda t: t["model"]["vocab"].update(new=6003))


def a_link_to_another_file(folder: Path) -> None:
    (folder / "vocab.txt").symlink_to(SECRET)


def an_adapter_alone(folder: Path) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")


def parts_that_are_not_there(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))


def a_part_of_another_folder(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "other.safetensors")
    parts = {"a": "../other.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))


def layers_without_weights(folder: Path) -> None:
    def deeper(config: Any) -> None:
        config["num_hidden_layers"] += 1
        config.pop("layer_types", None)

    edit(folder / "config.json", deeper)


def code_of_its_own(folder: Path) -> None:
    (folder / "mine.py").write_text(CODE)
    classes = {"AutoConfig": "mine.MineConfig", "AutoModelForCausalLM": "mine.MineForCausalLM"}
    changes = {"model_type": "mine", "architectures": ["MineForCausalLM"], "auto_map": classes}
    edit(folder / "config.json", lambda config: config.update(changes))


FAULTS = {
    half_of_the_weights: r"model\.safetensors is no whole safetensors file .* make it again",
    no_tokenizer: r"no tokenizer .*\.save_pretrained\(FOLDER\)",
    more_tokens_than_embeddings: r"ids up to 6003, and its embeddings have 380 rows.*resize_token",
    a_link_to_another_file: r"vocab\.txt is a link to /etc/passwd, outside the folder",
    an_adapter_alone: r"holds an adapter .*merge_and_unload",
    parts_that_are_not_there: r"1 of 2 parts .* e\.g\. model-00002-of-00002\.safetensors",
    a_part_of_another_folder: r"names '\.\./other\.safetensors'",
    layers_without_weights: r"12 of its weights are missing, e\.g\. model\.layers\.2\.",
    code_of_its_own: r"set trust_remote_code=true",
}


@pytest.mark.parametrize("harm", FAULTS, ids=lambda harm: harm.__name__)
def test_a_model_that_would_fail_later_is_refused_where_it_comes_in(
    harm: Callable[[Path], None],
    folder: Path,
    make_context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asked on the terminal"))
    harm(folder)
    context = make_context(stage="base")
    with pytest.raises(UsageError, match=rf"stages\.base\.path={folder}: .*{FAULTS[harm]}"):
        pretrained.run(PretrainedConfig(path=str(folder)), {}, context)
    copied = [path for path in context.output.rglob("*") if path.is_file()]
    assert not any(path.read_bytes() == SECRET.read_bytes() for path in copied)


def test_a_local_folder_is_looked_at_before_anything_runs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("R1_ROOT", str(tmp_path / "outputs"))
    half_of_the_weights(folder)
    words = ["recipe=r1_zero", "model@stages.base=hub", f"stages.base.path={folder}", "until=base"]
    assert main(["run", *words]) == 2
    text = capsys.readouterr().err
    assert f"stages.base.path: is {folder}: model.safetensors is no whole safetensors" in text
    assert not (tmp_path / "outputs" / "runs").exists()


@pytest.mark.parametrize("path", ["./gone", "/no/such/model", "~/gone"])
def test_a_folder_that_is_not_there_is_told_before_anything_runs(path: str) -> None:
    from pipeline.kinds import Stage
    from stages.kinds.pretrained.kind import check
    from stages.registry import REGISTRY

    stage = Stage(
        "base", REGISTRY["pretrained"], PretrainedConfig(path=path, hub=shipped(Hub)), {}, {}
    )
    (problem,) = check(stage)
    assert problem.when_run
    assert f"is {path}, which is not there" in problem.text


def test_of_a_folder_only_the_files_that_make_a_model_are_taken(
    folder: Path, make_context: Any
) -> None:
    adapter = {"base_model_name_or_path": "/no/such/base", "peft_type": "LORA"}
    (folder / "adapter_config.json").write_text(json.dumps(adapter))
    for name in ("modeling_mine.py", "notes.txt", "consolidated.safetensors", "processor.json"):
        (folder / name).write_text("x")
    context = make_context()
    pretrained.run(PretrainedConfig(path=str(folder)), {}, context)
    model = context.output / "model"
    assert {path.name for path in model.iterdir()} == {
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
        "tokenizer_config.json", "chat_template.jinja",
    }  # fmt: skip
    AutoModelForCausalLM.from_pretrained(model)


def test_a_snapshot_of_the_hubs_cache_is_taken_through_its_links(
    folder: Path, make_context: Any, tmp_path: Path
) -> None:
    cache = tmp_path / "models--me--mine"
    snapshot = cache / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    folder.rename(cache / "blobs")
    for blob in (cache / "blobs").iterdir():
        (snapshot / blob.name).symlink_to(Path("../../blobs") / blob.name)
    context = make_context(tmp_path / "out")
    pretrained.run(PretrainedConfig(path=str(snapshot)), {}, context)
    weights = context.output / "model" / "model.safetensors"
    assert not weights.is_symlink()
    assert weights.read_bytes() == (cache / "blobs" / "model.safetensors").read_bytes()


def test_a_generation_config_that_could_not_be_saved_after_training_is_mended(
    folder: Path, make_context: Any, tmp_path: Path
) -> None:
    edit(folder / "generation_config.json", lambda config: config.update(temperature=0.6))
    context = make_context()
    facts = pretrained.run(PretrainedConfig(path=str(folder)), {}, context).facts
    assert facts["warnings"] == [
        "generation_config.json: do_sample is true, as its temperature and the like say"
    ]
    model = context.output / "model"
    save_model(load_model(model), load_tokenizer(model), tmp_path / "trained")


@pytest.mark.parametrize(
    "system", ["{{ raise_exception('System role not supported') }}", ""], ids=["refused", "dropped"]
)
def test_a_system_message_reaches_a_model_whose_template_has_none(
    system: str, folder: Path, make_context: Any
) -> None:
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}{% if m.role == 'system' %}" + system + "{% else %}"
        "<{{ m.role }}>{{ m.content }}{% endif %}{% endfor %}"
    )
    context = make_context()
    facts = pretrained.run(PretrainedConfig(path=str(folder)), {}, context).facts
    tokenizer = AutoTokenizer.from_pretrained(context.output / "model")
    talk = [{"role": "user", "content": "3+4?"}, {"role": "assistant", "content": "7"}]
    assert render_prompt(tokenizer, talk, "Be short.") == "<user>Be short.\n\n3+4?<assistant>7"
    assert render_prompt(tokenizer, talk) == "<user>3+4?<assistant>7"
    assert "no system message" in facts["warnings"][0]


def test_code_that_its_user_trusts_goes_with_the_model_into_what_is_trained_from_it(
    folder: Path,
    make_context: Any,
    make_artifact: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "m"))
    monkeypatch.syspath_prepend(str(tmp_path / "m"))
    code_of_its_own(folder)
    context = make_context()
    config = PretrainedConfig(path=str(folder), trust_remote_code=True)
    assert pretrained.run(config, {}, context).facts["model_type"] == "mine"
    base = make_artifact("model", "base", model_dir=context.output / "model")
    assert brings_code(base.model_path)
    assert not brings_code(folder), "a folder of no artifact is trusted by nobody"
    model = load_model(base.model_path)
    assert type(model).__name__ == "MineForCausalLM"
    save_model(model, load_tokenizer(base.model_path), tmp_path / "trained")
    trained = make_artifact("model", "trained", model_dir=tmp_path / "trained")
    assert torch.equal(load_model(trained.model_path).lm_head.weight, model.lm_head.weight)


def test_weights_can_be_read_by_whom_the_umask_lets(tiny_model_dir: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        model, tokenizer = load_model(tiny_model_dir), load_tokenizer(tiny_model_dir)
        save_model(model, tokenizer, tmp_path / "saved")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "saved").iterdir()}
    assert modes["model.safetensors"] == 0o640
    assert set(modes.values()) == {0o640}
