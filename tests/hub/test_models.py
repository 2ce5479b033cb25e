"""Models of the hub: what stands in their way, in words."""

from __future__ import annotations

import pytest

from pipeline.errors import RecipeError
from tests.hub.asking import take_model
from tests.hub.hub_world import DROP, Fault


def refused(ask, tmp_path, name, **config) -> str:
    with pytest.raises(RecipeError) as told:
        ask(take_model, tmp_path, name, **config)
    return str(told.value)


def test_a_model_that_cannot_be_had_is_told_with_its_key_and_what_to_do(hub, ask, tmp_path):
    gated = hub.put("org/gated-model", {"config.json": b"{}"}, kind="model", gated=True)
    hub.put("org/model", {"config.json": b"{}"}, kind="model")
    text = refused(ask, tmp_path, gated.name)
    assert text.startswith("stages.base.path=org/gated-model: its owners ask for consent")
    assert "/org/gated-model, then log in with `hf auth login`" in text
    assert "there is no such model at http" in refused(ask, tmp_path, "org/no-model")
    gone = refused(ask, tmp_path, "org/model", revision="d" * 40)
    assert f"its revision {'d' * 40} is gone. Set stages.base.revision to" in gone


def test_a_hub_that_answers_no_more_is_given_up_after_the_tries_of_the_key(hub, ask, tmp_path):
    hub.put("org/silent-model", {"config.json": b"{}"}, kind="model")
    hub.faults.append(Fault("/api/models/", DROP, times=99))
    text = refused(ask, tmp_path, "org/silent-model")
    assert "cannot be reached, or the connection broke" in text
    assert "tried 4 times, as stages.base.hub.retries says" in text
    assert "stages.base.path=FOLDER" in text


def test_a_model_is_taken_though_the_hub_is_busy_at_first(hub, ask, tmp_path, tiny_model_dir):
    files = {path.name: path.read_bytes() for path in tiny_model_dir.iterdir()}
    repo = hub.put("org/tiny-model", files, kind="model")
    hub.faults += [Fault("/api/models/", 503, times=2), Fault("/resolve/", 429)]
    facts = ask(take_model, tmp_path, repo.name)
    assert facts["revision"] == repo.at("main")
    assert (tmp_path / "output/model/config.json").read_bytes() == files["config.json"]
