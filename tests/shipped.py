"""Configs for tests: what a test does not say has the value that conf/ has at the tiny size."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar

from omegaconf import MISSING

from pipeline.compose import compose
from stages.project import R1

Config = TypeVar("Config")

MORE = (  # what the whole recipe has no stage of
    "+stage@stages.selected=s1_selection",
    "+stage@stages.checked=reviewed",
    "stages.checked.sheet=sheet.csv",
    "+stage@stages.on_policy=on_policy_distill",
    "+data@stages.talks=long_cot",
    "stages.talks.path=talks.jsonl",
    "+stages.served={kind: served_model, url: http://host/v1, model: chat}",
    "+lora@stages.zero.lora=default",
)


def shipped(config: type[Config], *said: Any, **more: Any) -> Config:
    """A config with these values, and the shipped ones where it has none."""
    return _filled(config(*said, **more))


def _filled(config: Any) -> Any:
    found: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            found[field.name] = _filled(value)
        elif value == MISSING:
            found[field.name] = copy.deepcopy(getattr(_known()[type(config)], field.name))
    return dataclasses.replace(config, **found)


@cache
def _known() -> dict[type, Any]:
    """The first of each class in the whole recipe."""
    found: dict[type, Any] = {}
    for stage in compose(R1, MORE).stages.values():
        for part in _parts(stage):
            found.setdefault(type(part), part)
    return found


def _parts(config: Any) -> Iterator[Any]:
    yield config
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from _parts(value)
