"""A world fills the slots of a recipe: tiny, open, or one's own."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import conf
from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.graph import build
from pipeline.situation import survey
from stages.commands.init import write_world
from stages.project import R1, main

CONF = Path(conf.__file__).parent
PROFILES = sorted(path.stem for path in (CONF / "profile").glob("*.yaml"))
WORLDS = sorted(path.stem for path in (CONF / "world").glob("*.yaml"))
RECIPES = ("distill", "distill_on_policy", "r1", "r1_zero", "students")
TINY_KINDS = {"pretrain", "problems", "worked"}
FREE = ("Apache-2.0", "MIT", "CC-BY-4.0", "CC-BY-2.0", "CC-BY-SA-4.0", "ODC-BY-1.0", "ODC-BY")
HELD_OUT = {"heldout", "validation", "benchmarks"}  # asked or screened against, never learnt from


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("world", WORLDS)
def test_a_world_is_used_whole_and_no_other_beside_it(recipe: str, profile: str, world: str):
    rows = ["stages.rows.path=mine.jsonl"] if (recipe, world) == ("students", "tiny") else []
    composed = compose(R1, [f"recipe={recipe}", f"profile={profile}", f"world={world}", *rows])
    build(composed.stages, R1.kinds(), composed.root)
    kinds = {stage.kind for stage in composed.stages.values()}
    if world == "tiny":
        public = {"dataset", "pretrained", "conversations", "preference_dataset"}
        assert recipe == "students" or kinds.isdisjoint(public)  # whose bases are real ones
    else:
        assert kinds.isdisjoint(TINY_KINDS)
        assert composed.root["stages"].get("cold_start_data", {}).get("rewriter") != "tiny"


@pytest.mark.parametrize("profile", PROFILES)
def test_only_the_profiles_for_two_cores_take_the_tiny_world_unasked(profile: str):
    chosen = compose(R1, ["recipe=r1_zero", f"profile={profile}"]).choices["world"]
    assert chosen == ("tiny" if profile in ("tiny", "smoke") else "open")


def test_what_is_trained_on_in_the_open_world_is_licensed_for_everybody(capsys):
    assert main(["plan", "--data", "--json", "world=open", "profile=one_gpu"]) == 0
    slots = json.loads(capsys.readouterr().out)
    sets = {
        source["stage"]: source["about"]
        for slot, own in slots.items()
        for source in own
        if source["about"]["home"] and slot not in HELD_OUT
    }
    assert len(sets) >= 20
    assert [name for name, about in sets.items() if about["licence"] not in FREE] == []
    assert [name for name, about in sets.items() if not about["languages"]] == []


def test_every_set_that_is_trained_on_is_screened_against_every_benchmark():
    composed = compose(R1, ["world=open", "profile=one_gpu"])
    slots = composed.root["slots"]
    benchmarks = {one for slot in HELD_OUT for one in slots.get(slot, [slot])}
    screened = [stage for name, stage in composed.stages.items() if stage.kind.startswith("clean_")]
    assert len(screened) == 7
    assert all(benchmarks <= {*stage.apart_from} for stage in screened)


def test_a_run_until_a_slot_makes_the_sets_that_fill_it(monkeypatch, tmp_path):
    monkeypatch.setenv("R1_ROOT", str(tmp_path))
    words = ["recipe=r1_zero", "world=open", "until=validation"]
    assert survey(R1, compose(R1, words)).selection.stages == ("aime2024",)


def test_a_file_of_ones_own_takes_the_place_of_a_slot():
    words = ["recipe=r1_zero", "world=open", "data@stages.reasoning_prompts=problems"]
    composed = compose(R1, [*words, "stages.reasoning_prompts.path=mine.jsonl"])
    assert composed.stages["reasoning_proved"].data_from == ["reasoning_prompts"]
    assert "acereason_math" not in composed.stages


def test_a_slot_can_be_filled_with_other_sets_by_name():
    words = ["recipe=r1_zero", "world=open", "stages.heldout.stands_for=[math500]"]
    composed = compose(R1, words)
    assert composed.stages["eval_zero"].data_from == ["math500"]


def test_an_edge_for_one_stage_refuses_a_slot_of_several():
    with pytest.raises(UsageError, match=r"init_from: takes one stage, and `heldout` stands"):
        compose(R1, ["recipe=r1_zero", "world=open", "stages.zero.init_from=heldout"])


def test_a_world_of_ones_own_begins_as_the_open_one(tmp_path: Path):
    own = replace(R1, conf=str(shutil.copytree(CONF, tmp_path / "conf")))
    written = write_world(own, "mine", "open")
    assert all(path.is_file() for path in written)
    mine = compose(own, ["world=mine", "profile=one_gpu"])
    assert mine.stages == compose(own, ["world=open", "profile=one_gpu"]).stages
    with pytest.raises(UsageError, match="is there: remove it"):
        write_world(own, "mine", "open")
    with pytest.raises(UsageError, match=r"--from opne: no such world\. Did you mean `open`"):
        write_world(own, "other", "opne")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("data@stages.heldout=tiny_heldout", "Did you mean `tiny/heldout`"),
        ("model@stages.base=tiny", "Did you mean `tiny/base`"),
        ("+model@stages.writer=hub", "the recipe has it already, so name another without the `+`"),
    ],
)
def test_a_word_from_before_worlds_is_answered_with_what_it_is_called_now(word: str, said: str):
    with pytest.raises(UsageError, match=re.escape(said)):
        compose(R1, [word])
