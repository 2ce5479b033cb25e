"""Weights that do not fit the model of an engine are refused by their headers."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.errors import StageFailed
from stages.rollout.weights import Model, stamps

UP = "model.layers.0.mlp.up_proj.weight"


@pytest.fixture
def changed(tiny_model_dir, tmp_path):
    """A copy of the model, whose tensors a function changes."""

    def change(edit, name="changed"):
        folder = tmp_path / name
        shutil.copytree(tiny_model_dir, folder)
        weights = load_file(folder / "model.safetensors")
        edit(weights)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        return folder

    return change


def refused(opened, folder, words, dtype="auto"):
    with pytest.raises(StageFailed, match=words) as caught:
        Model.read(opened, dtype).check(folder)
    return str(caught.value)


def test_other_values_of_the_same_tensors_fit(tiny_model_dir, changed):
    Model.read(tiny_model_dir, "auto").check(changed(lambda w: w[UP].mul_(2)))


def test_another_shape_is_named_with_both(tiny_model_dir, changed):
    folder = changed(lambda w: w.update({UP: w[UP][:-1].contiguous()}))
    words = refused(
        tiny_model_dir, folder, rf"{re.escape(UP)} is \[127, 64\] in F32, .* \[128, 64\]"
    )
    assert "same shape" in words


def test_another_dtype_is_named_with_what_to_save(tiny_model_dir, changed):
    folder = changed(lambda w: w.update({UP: w[UP].half()}))
    words = rf"{re.escape(UP)} is \[128, 64\] in F16, .* in F32: save it in F32"
    refused(tiny_model_dir, folder, words)


def test_a_tensor_may_have_the_dtype_that_the_engine_computes_in(tiny_model_dir, changed):
    folder = changed(lambda w: w.update({name: t.bfloat16() for name, t in w.items()}))
    Model.read(tiny_model_dir, "bfloat16").check(folder)
    refused(tiny_model_dir, folder, "in BF16, .* save it in F16 or F32", dtype="float16")


def test_a_missing_tensor_is_named(tiny_model_dir, changed):
    words = rf"{re.escape(UP)} is missing, which .* has as \[128, 64\] in F32: save the whole"
    refused(tiny_model_dir, changed(lambda w: w.pop(UP)), words)


def test_a_tensor_of_another_model_is_named(tiny_model_dir, changed):
    folder = changed(lambda w: w.update({"v_head.weight": torch.zeros(1, 64)}))
    refused(tiny_model_dir, folder, r"v_head.weight \(\[1, 64\] in F32\) is no tensor of the model")


def test_a_tied_head_may_be_there_or_not_and_another_one_may_not(tiny_model_dir, changed):
    config = json.loads((tiny_model_dir / "config.json").read_text())
    assert config["tie_word_embeddings"]
    with_head = changed(
        lambda w: w.update({"lm_head.weight": w["model.embed_tokens.weight"].clone()})
    )
    Model.read(tiny_model_dir, "auto").check(with_head)
    Model.read(with_head, "auto").check(tiny_model_dir)
    config["tie_word_embeddings"] = False
    (with_head / "config.json").write_text(json.dumps(config))
    refused(with_head, tiny_model_dir, "lm_head.weight is missing")


def test_weights_that_were_cut_short_are_no_weights(tiny_model_dir, changed):
    folder = changed(lambda w: None)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:200])
    refused(tiny_model_dir, folder, "no weights for an engine: model.safetensors is no whole")


def test_an_empty_folder_has_no_weights(tiny_model_dir, tmp_path):
    refused(tiny_model_dir, tmp_path, "no weights for an engine: expected config.json")


def test_weights_that_were_written_again_have_another_stamp(changed):
    folder = changed(lambda w: None)
    before = stamps(folder)
    assert list(before) == ["model.safetensors"]
    os.utime(folder / "model.safetensors", ns=(0, 0))
    assert stamps(folder) != before
    assert stamps(folder / "nowhere") == {}
