"""What every recipe comes to at every size: tests/recipe/settings, for a reviewer's diff.

`make settings` writes the files anew, by this module. In a file `KIND` has what the stages of a
kind mostly have, in all recipes, and `KIND.STAGE` what one has otherwise: `KIND.STAGE.RECIPE` where
recipes differ in a stage of one name. Lines that all profiles have stand in common.yaml instead.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import conf
from pipeline.compose import compose
from stages.project import R1

CONF = Path(conf.__file__).parent
PLACE = Path(__file__).with_name("settings")
PROFILES = sorted(path.stem for path in (CONF / "profile").glob("*.yaml"))
RECIPES = sorted(path.stem for path in (CONF / "recipe").glob("*.yaml"))
ROOT = ("launcher", "size", "tiny_rows", "slots")  # beside stages
LONGEST = 60  # letters of a text; of the rest stands a digest
ABSENT = "absent"  # of a key that most stages of a kind have

Settings = dict[str, str]  # the shown value by dotted key
Page = dict[str, Settings]  # by heading

NAMES = ("evaluates", "init_from", "data_from")  # by which two stages differ anyhow


def test_the_settings_of_every_recipe_and_profile_are_those_on_file() -> None:
    on_file = {path.stem: path.read_text() for path in PLACE.glob("*.yaml")}
    assert pages() == on_file, "`make settings` writes them anew; read what it changes"


def settings(stage: Any) -> dict[str, Any]:
    return {key: value for key, value in dataclasses.asdict(stage).items() if key not in NAMES}


@pytest.mark.parametrize("profile", PROFILES)
def test_an_evaluation_a_student_and_an_rl_stage_of_yours_need_no_line_in_a_profile(
    profile: str,
) -> None:
    added = ["+stage@stages.eval_mine=evaluate", "+stage@stages.mine=distill"]
    added += [
        "+stage@stages.dev_mine=reasoning_rl",
        "stages.dev_mine.validate_on=[validation]",
        "stages.eval_mine.data_from=[heldout]",
    ]
    stages = compose(R1, [f"profile={profile}", *added]).stages
    for mine, theirs in (
        ("eval_mine", "eval_dev1"),
        ("mine", "student_qwen"),
        ("dev_mine", "dev2"),
    ):
        assert settings(stages[mine]) == settings(stages[theirs])


def test_a_prompt_of_the_command_line_is_above_a_profiles() -> None:
    words = ["recipe=r1_zero", "profile=tiny"]
    assert compose(R1, words).stages["eval_zero"].template is None
    asked = compose(R1, [*words, "+prompt@stages.eval_zero.template=r1_zero"]).stages["eval_zero"]
    assert "{question}" in asked.template.text["en"]


def pages() -> dict[str, str]:
    """The content of every file, by its name."""
    found = {profile: _page(profile) for profile in PROFILES}
    first, *others = found.values()
    common = {
        heading: {
            key: value
            for key, value in settings.items()
            if all(other.get(heading, {}).get(key) == value for other in others)
        }
        for heading, settings in first.items()
    }
    own = {
        profile: {
            heading: {k: v for k, v in settings.items() if k not in common.get(heading, {})}
            for heading, settings in page.items()
        }
        for profile, page in found.items()
    }
    return {name: _text(page) for name, page in {"common": common, **own}.items()}


def _page(profile: str) -> Page:
    kinds: dict[str, Page] = {}
    for recipe in RECIPES:
        rows = ["stages.rows.path=rows.jsonl"] if recipe == "students" else []
        root = compose(R1, [f"recipe={recipe}", f"profile={profile}", *rows]).root
        for name, stage in root["stages"].items():
            stage.pop("about", None)  # of its data set: no setting
            settings = dict(_leaves(stage, ""))
            kinds.setdefault(stage["kind"], {})[f"{name}.{recipe}"] = settings
        run = {key: root[key] for key in ROOT if key in root}
        kinds.setdefault("run", {})[f"root.{recipe}"] = dict(_leaves(run, ""))
    found: Page = {}
    for kind, stages in sorted(kinds.items()):
        usual = _usual(stages)
        found[kind] = {key: value for key, value in usual.items() if value != ABSENT}
        for name, settings in _once(stages).items():
            values = {key: settings.get(key, ABSENT) for key in usual}
            found[f"{kind}.{name}"] = {k: v for k, v in values.items() if v != usual[k]}
    return found


def _usual(stages: Page) -> Settings:
    """The value that most stages have, by key."""
    values: dict[str, list[str]] = {}
    for key in sorted({key for settings in stages.values() for key in settings}):
        values[key] = sorted(settings.get(key, ABSENT) for settings in stages.values())
    return {key: max(each, key=each.count) for key, each in values.items()}


def _once(stages: Page) -> Page:
    """Without the recipe's name where recipes that have a stage have the same."""
    by_name: dict[str, Page] = {}
    for heading, settings in sorted(stages.items()):
        by_name.setdefault(heading.partition(".")[0], {})[heading] = settings
    found: Page = {}
    for name, recipes in by_name.items():
        alike = len({repr(settings) for settings in recipes.values()}) == 1
        found |= {name: next(iter(recipes.values()))} if alike else recipes
    return found


def _leaves(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Settings by dotted key; a prompt is one of them."""
    if isinstance(value, Mapping) and value and "blanks" not in value:
        for name, item in value.items():
            if name not in ("kind", "sources"):
                yield from _leaves(item, f"{key}.{name}" if key else str(name))
    else:
        yield key, _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping) and value:
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and len(value) > LONGEST:
        value = f"{value[:LONGEST]} … {hashlib.sha256(value.encode()).hexdigest()[:12]}"
    return json.dumps(value, ensure_ascii=False)


def _text(page: Page) -> str:
    """A page as YAML, a line for each setting."""
    lines: list[str] = []
    for heading, settings in page.items():
        if settings:
            lines += [f"{heading}:", *(f"  {key}: {settings[key]}" for key in sorted(settings))]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for name, content in pages().items():
        (PLACE / f"{name}.yaml").write_text(content)
