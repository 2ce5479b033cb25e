"""What a profile says of all stages of a kind, and of all that are made of one file of stage/."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_recipe.__main__ import TOY

from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.hydra_main import run_with_hydra
from pipeline.project import Project

Toy = Callable[..., Project]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """The toy, whose profile `small` says what it is given."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(TOY.conf_dir(), tmp_path / "conf")

    def made(**files: str) -> Project:
        for path, content in files.items():
            file = tmp_path / "conf" / f"{path.replace('__', '/')}.yaml"
            file.write_text(f"# @package _global_\n{content}\n")
        return replace(TOY, conf=str(tmp_path / "conf"))

    return made


def steps(project: Project, *words: str) -> dict[str, Any]:
    """The steps of every stage that has some."""
    stages = compose(project, words).stages
    return {name: stage.steps for name, stage in stages.items() if hasattr(stage, "steps")}


def test_a_kinds_numbers_are_those_of_all_its_stages(toy: Toy) -> None:
    project = toy(profile__small="kinds: {work: {steps: 7}}")
    assert steps(project) == {"left": 7, "right": 7}
    added = ["+stage@stages.more=work", "stages.more.data_from=[numbers]", "stages.more.add=1"]
    assert steps(project, *added) == {"left": 7, "right": 7, "more": 7}


def test_a_step_is_above_its_kind_a_name_above_both_and_a_word_above_all(toy: Toy) -> None:
    project = toy(
        profile__small="""
kinds: {work: {steps: 7}}
steps: {work: {steps: 8}}
stages: {right: {steps: 9}}
""",
    )
    assert steps(project) == {"left": 8, "right": 9}
    assert steps(project, "stages.right.steps=10") == {"left": 8, "right": 10}


def test_what_a_recipe_says_of_a_stage_is_above_what_a_profile_says_of_many(toy: Toy) -> None:
    project = toy(
        profile__small="kinds: {total: {seed: 3}, work: {steps: 7}}",
        recipe__sums="""
defaults: [/kind/source@stages.numbers, /stage@stages.left: work, _self_]
stages:
  numbers: {count: 4}
  left: {data_from: [numbers], add: 1, steps: 5}
  both: {kind: total, data_from: [left]}
""",
    )
    assert steps(project) == {"left": 5}
    assert compose(project, []).stages["both"].seed == 3  # a stage with a plain `kind`


def test_a_profile_is_above_the_kinds_and_steps_of_one_that_it_builds_on(toy: Toy) -> None:
    project = toy(
        profile__small="kinds: {work: {steps: 7}}\nsteps: {work: {steps: 8}}",
        profile__large="defaults: [small, _self_]\nkinds: {work: {steps: 2}}",
    )
    assert steps(project, "profile=large") == {"left": 2, "right": 2}


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (
            "kinds: {wrk: {steps: 7}}",
            r"kinds\.wrk: `wrk` is no kind of stage\. Did you mean",
        ),
        ("steps: {wrk: {steps: 7}}", r"steps\.wrk: `wrk` is no file of stage/\. .*`work`"),
        ("kinds: {work: {stps: 7}}", r"kinds\.work\.stps: unknown key\. Did you mean `steps`"),
        ("steps: {work: {steps: x}}", r"steps\.work\.steps: .*could not be converted"),
    ],
)
def test_a_mistake_is_told_with_its_place(toy: Toy, profile: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compose(toy(profile__small=profile), [])


def test_hydras_own_flags_show_the_same(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    project = toy(profile__small="kinds: {work: {steps: 7}}")
    assert run_with_hydra(project, ["--cfg", "job", "--package", "stages.left"]) == 0
    assert "\nsteps: 7\n" in capsys.readouterr().out
