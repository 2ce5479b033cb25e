"""Values stand once: what conf/ says is no default of a dataclass, too."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

import conf
from pipeline import sections
from stages.kinds.rl.config import Algorithm
from stages.kinds.sample.config import GenerativeJudge
from stages.registry import REGISTRY
from stages.settings.engine import Engine
from stages.settings.generation import Rollout, Server
from stages.settings.health import Health
from stages.settings.hub import Hub
from stages.settings.parallel import Parallel
from stages.settings.prompts import Prompt
from stages.settings.training import Lora
from stages.settings.verifiers import Verifiers

CONF = Path(conf.__file__).parent
SECTIONS = {
    "algorithm": Algorithm,
    "engine": Engine,
    "generative_judge": GenerativeJudge,
    "health": Health,
    "lora": Lora,
    "parallel": Parallel,
    "prompt": Prompt,
    "rollout": Rollout,
    "verifiers": Verifiers,
}
OFF = (None, False, 0, "", [], {})  # said to undo what another file says, or to show that it is off
MEANT = {
    "Sampling.top_p": "1 is off",
    "Engine.name": "TRL is what trained before there was a choice (later results know no engine)",
    "DatasetConfig.split": "gsm8k_train and math_train undo what gsm8k and math say",
    "DatasetConfig.language": "mgsm_en undoes what mgsm_zh says",
    "PreferencesConfig.margin": "labels have no margin, and pairs and labels share their config",
}


def test_no_value_of_conf_is_the_default_of_its_dataclass_too() -> None:
    twice = {
        f"{type_.__name__}.{field.name}": f"{path.relative_to(CONF)}: {value!r}"
        for path in sorted(CONF.rglob("*.yaml"))
        for said, section in typed(path)
        for type_, field, value in leaves(section, said)
        if value == default(field) and value not in OFF and value != "???"
    }
    assert twice.keys() == MEANT.keys(), twice


def typed(path: Path) -> Iterator[tuple[Any, type]]:
    """The sections of a file whose dataclass is known."""
    said = yaml.safe_load(path.read_text())
    group = path.parent.name
    if group in SECTIONS:
        yield said, SECTIONS[group]
    elif path.name == "config.yaml":
        yield said["server"], Server
        yield said["hub"], Hub
    elif kind := kind_of(path):
        whole = {"it": said}
        sections.keep_sources(whole)
        yield whole["it"], REGISTRY[kind].config
    elif group in ("profile", "recipe"):
        for name, numbers in (said.get("kinds") or {}).items():
            yield numbers, REGISTRY[name].config
        for name, numbers in (said.get("steps") or {}).items():
            yield numbers, REGISTRY[kind_of(CONF / f"stage/{name}.yaml")].config


def kind_of(path: Path) -> str | None:
    """The kind of the stages that are made of a file, which it or a file beneath it names."""
    for entry in yaml.safe_load(path.read_text()).get("defaults", []):
        if not isinstance(entry, str):
            continue
        if entry.startswith("/kind/"):
            return entry.removeprefix("/kind/").partition("@")[0]
        name = entry.partition("@")[0]
        beneath = (CONF if name.startswith("/") else path.parent) / f"{name.lstrip('/')}.yaml"
        if beneath.exists() and (found := kind_of(beneath)):
            return found
    return "clean_problems" if path.name == "_clean.yaml" else None


def leaves(type_: type, said: Any) -> Iterator[tuple[type, dataclasses.Field[Any], Any]]:
    """What a section says, with the fields that it is for."""
    hints = typing.get_type_hints(type_)
    for field in dataclasses.fields(type_):
        if not isinstance(said, Mapping) or field.name not in said:
            continue
        value, within = said[field.name], section_in(hints[field.name])
        if within is None or not isinstance(value, Mapping):
            yield type_, field, value
        elif dataclasses.is_dataclass(hints[field.name]) or set(value) & names(within):
            yield from leaves(within, value)
        else:
            for part in value.values():
                yield from leaves(within, part)


def section_in(hint: Any) -> type | None:
    """The dataclass in a type such as `dict[str, RewardTerm]` or `Lora | None`."""
    if dataclasses.is_dataclass(hint):
        return typing.cast(type, hint)
    return next(filter(None, map(section_in, typing.get_args(hint))), None)


def names(type_: type) -> set[str]:
    return {field.name for field in dataclasses.fields(type_)}


def default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
