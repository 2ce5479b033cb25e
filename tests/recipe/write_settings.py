"""Write tests/recipe/settings anew: what every recipe comes to at every size, for a reviewer's
diff.

`make settings` runs it; test_settings.py compares. common.yaml has what all profiles have alike,
the file of a profile the rest. In each, `KIND` has what all its stages have alike, in every recipe,
and `KIND.STAGE` the rest: `KIND.RECIPE.STAGE` where recipes differ in a stage of one name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

import conf
from pipeline.cli import R1
from pipeline.compose import compose

CONF = Path(conf.__file__).parent
PLACE = Path(__file__).with_name("settings")
PROFILES = sorted(path.stem for path in (CONF / "profile").glob("*.yaml"))
RECIPES = sorted(path.stem for path in (CONF / "recipe").glob("*.yaml"))
ROOT = ("launcher", "size", "tiny_rows")  # what else a profile sets
LONGEST = 100  # letters of a text, of which more are a digest

Settings = dict[str, Any]  # by dotted key
Pages = dict[str, dict[str, Settings]]  # by the file's name and the heading


def pages() -> Pages:
    """The content of every file."""
    profiles = {profile: _stages(profile) for profile in PROFILES}
    common: dict[str, Settings] = {}
    found: Pages = {profile: {} for profile in PROFILES}
    for heading in sorted({name for stages in profiles.values() for name in stages}):
        each = {profile: stages[heading] for profile, stages in profiles.items()}
        common[heading], own = _apart(each)
        for profile, settings in own.items():
            found[profile][heading] = settings
    return {"common": _by_kind(common), **{p: _by_kind(found[p]) for p in PROFILES}}


def written(page: Mapping[str, Settings]) -> str:
    """A page as YAML, a line for each setting."""
    lines: list[str] = []
    for heading, settings in page.items():
        lines += [f"{heading}:", *(f"  {key}: {_shown(settings[key])}" for key in sorted(settings))]
    return "\n".join(lines) + "\n"


def _stages(profile: str) -> dict[str, Settings]:
    """Every stage's settings by `KIND.STAGE`, or by `KIND.RECIPE.STAGE`."""
    found: dict[str, dict[str, Settings]] = {}
    for recipe in RECIPES:
        rows = ["stages.rows.path=rows.jsonl"] if recipe == "students" else []
        root = compose(R1, [f"recipe={recipe}", f"profile={profile}", *rows]).root
        run = {"root": {key: root[key] for key in ROOT}}
        for kind, name, stage in [("run", "root", run["root"]), *_named(root["stages"])]:
            found.setdefault(f"{kind}.{name}", {})[recipe] = dict(_leaves(stage, ""))
    settings: dict[str, Settings] = {}
    for heading, recipes in found.items():
        kind, _, name = heading.partition(".")
        if len({repr(one) for one in recipes.values()}) == 1:
            settings[heading] = next(iter(recipes.values()))
        else:
            settings |= {f"{kind}.{recipe}.{name}": one for recipe, one in recipes.items()}
    return settings


def _named(stages: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    for name, stage in stages.items():
        yield stage["kind"], name, {k: v for k, v in stage.items() if k not in ("kind", "sources")}


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _leaves(item, f"{key}.{name}" if key else str(name))
    else:
        yield key, value


def _by_kind(stages: Mapping[str, Settings]) -> dict[str, Settings]:
    """What all stages of a kind have alike stands once, under the kind."""
    found: dict[str, Settings] = {}
    for kind in sorted({heading.partition(".")[0] for heading in stages}):
        alike, own = _apart({k: v for k, v in stages.items() if k.partition(".")[0] == kind})
        found |= {kind: alike, **own}
    return {heading: settings for heading, settings in found.items() if settings}


def _apart(each: Mapping[str, Settings]) -> tuple[Settings, dict[str, Settings]]:
    """What all have alike, and what is left of each."""
    first, *others = each.values()
    alike = {k: v for k, v in first.items() if all(_has(other, k, v) for other in others)}
    return alike, {
        name: {key: value for key, value in settings.items() if key not in alike}
        for name, settings in each.items()
    }


def _has(settings: Settings, key: str, value: Any) -> bool:
    return key in settings and repr(settings[key]) == repr(value)


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) > LONGEST:
        value = f"{value[: LONGEST // 2]} … {hashlib.sha256(value.encode()).hexdigest()[:12]}"
    text: str = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=10**6, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def main(found: Iterable[tuple[str, dict[str, Settings]]]) -> None:
    """Write the files."""
    PLACE.mkdir(exist_ok=True)
    for name, page in found:
        (PLACE / f"{name}.yaml").write_text(written(page))


if __name__ == "__main__":
    main(pages().items())
