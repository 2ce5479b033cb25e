"""Every limit of tokens is one of the profile's dials, in every recipe and stage file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import conf
from pipeline.compose import compose
from stages.project import R1, main

CONF = Path(conf.__file__).parent
RECIPES = [path.stem for path in (CONF / "recipe").glob("*.yaml")]
OWN = {"deepseekmath_rl", "simple_maths"}  # lengths that no size changes
OTHERS = OWN | {"reviewed"}  # which needs a file
FILES = {path.stem for path in (CONF / "stage").glob("[!_]*.yaml")} - OTHERS
LIMITS = {"max_tokens", "max_length", "max_prompt_tokens"}
DIALS = ("thought", "longer", "sampled", "row", "scored", "prompt", "verdict")


def limits(value: Any, key: str) -> Iterator[tuple[str, int]]:
    """Every limit of tokens in a stage's config, by its key."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name in LIMITS and isinstance(item, int):
                yield f"{key}.{name}", item
            else:
                yield from limits(item, f"{key}.{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from limits(item, f"{key}[{number}]")


def beyond_the_dials(*words: str) -> dict[str, int]:
    """The limits of a composed recipe that no dial of its profile has, or that are the paper's."""
    root = compose(R1, words).root
    dials = {root["size"][dial] for dial in DIALS}
    assert max(dials) < 32768
    found = dict(limits(root["stages"], "stages"))
    assert found
    return {key: tokens for key, tokens in found.items() if tokens not in dials}


@pytest.mark.parametrize("profile", ["one_gpu", "small"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_no_stage_falls_back_to_the_papers_tokens(recipe: str, profile: str) -> None:
    rows = ["stages.rows.path=mine.jsonl"] if recipe == "students" else []
    assert beyond_the_dials(f"recipe={recipe}", f"profile={profile}", *rows) == {}


@pytest.mark.parametrize("profile", ["small", "tiny"])
def test_nor_does_a_stage_that_no_recipe_has(profile: str) -> None:
    more = [f"+stage@stages.also_{name}={name}" for name in sorted(FILES)]
    assert beyond_the_dials("recipe=r1_zero", f"profile={profile}", *more) == {}


def test_a_dial_turned_on_the_command_line_is_a_departure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["profile=paper", "recipe=r1_zero", "size.thought=2048"]
    assert main(["plan", "--departures", "--json", *words]) == 0
    (row,) = json.loads(capsys.readouterr().out)["departures"]
    assert (row["key"], row["reference"], row["value"]) == ("sampling.max_tokens", 32768, 2048)
