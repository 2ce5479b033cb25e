"""Hydra's and OmegaConf's errors as one clear message: the key, what was wrong, what there is."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pipeline.errors import UsageError
from pipeline.graph import did_you_mean
from pipeline.kinds import Registry

_UNKNOWN_KEY = re.compile(r"Key '([^']+)' (?:is not in struct|not in '(\w+)')")
_NOT_OVERRIDABLE = re.compile(r"Could not override '([^']+)'")
_SET_TWICE = re.compile(r"^Multiple values for (\S+)\. To override")
_FULL_KEY = re.compile(r"full_key: (\S+)")
_TAKEN_FROM = re.compile(r"While dereferencing interpolation '\$\{([\w.]+)\}': ")


@contextmanager
def translated(
    registry: Registry, overrides: Sequence[str], composed: Callable[[Sequence[str]], Any]
) -> Iterator[None]:
    """Turn what Hydra raises into a UsageError. `composed` composes with other overrides."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        yield
    except YAMLError as error:
        raise UsageError(f"a config file is not valid YAML: {error}") from error
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(_message(error, registry, overrides, composed)) from error
    except (AssertionError, AttributeError) as error:  # what OmegaConf raises below a null
        key = _null_section(overrides, composed) if "NoneType" in str(error) else None
        if key is None:
            raise
        raise UsageError(
            f"{key}: it is null, and the command line cannot set parts of what is null. Take it "
            f"from a group, `+GROUP@{key}=NAME`, and then set its parts; or set it in a profile."
        ) from error


def _message(
    error: Exception,
    registry: Registry,
    overrides: Sequence[str],
    composed: Callable[[Sequence[str]], Any],
) -> str:
    from hydra.errors import MissingConfigException, OverrideParseException

    if isinstance(error, OverrideParseException):
        key = str(error.override).partition("=")[0]
        return (
            f"the override `{error.override}` cannot be read: {_first_line(error)}. A list is "
            f"`{key}=[a,b]`, a mapping `{key}={{a: 1}}`; a text that begins with a bracket, quotes "
            f"or `$` needs quotes that the shell leaves alone: `\"{key}='…'\"`."
        )
    if isinstance(error, MissingConfigException) and error.options:
        group, _, option = str(error.missing_cfg_file or "").rpartition("/")
        options = [*error.options, *_options_below(group, composed)]
        return f"there is no `{option}` in `{group}`. {did_you_mean(option, options)}"
    if found := _SET_TWICE.search(str(error)):
        return f"+{found[1]}: the recipe has it already, so name another without the `+`"
    text = "\n".join(str(e) for e in (error, error.__cause__) if e is not None)
    for key in (override.lstrip("+~").partition("=")[0] for override in overrides):
        if "@" in key and f"'{key}'" in text:
            return _group_message(key, overrides, composed)
    return _key_message(text, registry, overrides, composed)


def _options_below(group: str, composed: Callable[[Sequence[str]], Any]) -> list[str]:
    """The options in folders of a group, as `tiny/heldout` of `data`."""
    for source in composed([]).hydra.runtime.config_sources:
        if source.provider == "main":
            files = Path(source.path, group).glob("*/*.yaml")
            return sorted(f"{file.parent.name}/{file.stem}" for file in files)
    return []


def _group_message(
    key: str, overrides: Sequence[str], composed: Callable[[Sequence[str]], Any]
) -> str:
    """The message of `GROUP@PLACE=…` for a place that takes nothing from this group."""
    group, _, place = key.partition("@")
    chosen = composed([o for o in overrides if key not in o]).hydra.runtime.choices
    groups = {name.partition("@")[0] for name in map(str, chosen)}
    places = [name.partition("@")[2] for name in map(str, chosen) if name.startswith(f"{group}@")]
    if not places and group in groups:  # one choice for all
        said = next(override for override in overrides if override.startswith(key))
        return f"{key}: is not chosen there by the recipe. Add it with a plus: `+{said}`"
    if not places:
        return f"{key}: nothing here is composed from `{group}`. {did_you_mean(group, groups)}"
    return f"{key}: `{place}` takes nothing from `{group}`. {did_you_mean(place, places)}"


def _key_message(
    text: str,
    registry: Registry,
    overrides: Sequence[str],
    composed: Callable[[Sequence[str]], Any],
) -> str:
    """The message of an error about one key of the config."""
    unknown = _UNKNOWN_KEY.search(text)
    overridden = _NOT_OVERRIDABLE.search(text)
    full_key = _FULL_KEY.search(text)
    key = overridden[1] if overridden else full_key[1] if full_key else ""
    if unknown and unknown[2]:
        return f"{key}: unknown key. {did_you_mean(unknown[1], _fields_of(registry, unknown[2]))}"
    if overridden or unknown:
        parent, last, stages = _siblings(key, overrides, composed)
        if stages:
            return (
                f"{key}: unknown key. It is one of a stage: "
                f"{', '.join(f'`stages.{stage}.{key}`' for stage in stages)}."
            )
        return (
            f"{key}: unknown key. {did_you_mean(last, parent)} "
            f"(A new key is added with `+{key}=…`.)"
        )
    lines = [line for line in text.splitlines() if "object_type=" not in line]
    reason = next((line for line in lines if "could not be converted" in line), None)
    if reason and (taken := _TAKEN_FROM.search(reason)):  # the root's value, not the stage's
        return f"{taken[1]}: {reason[taken.end() :].strip()} (for {key})"
    if reason and key:
        return f"{key}: {reason.strip()}"
    return "\n".join(dict.fromkeys(line.strip() for line in lines if line.strip()))


def _siblings(
    key: str, overrides: Sequence[str], composed: Callable[[Sequence[str]], Any]
) -> tuple[list[str], str, list[str]]:
    """The keys beside the first part of `key` that does not exist, that part, the stages with it.

    Those are empty unless the key is one word.
    """
    node = composed([o for o in overrides if not o.lstrip("+~").startswith(key)])
    parts = key.split(".")
    known = (node.get("stages") or {}).items()
    stages = [
        str(name) for name, stage in known if _is_mapping(stage) and {"kind", key} <= {*stage}
    ]
    for part in parts:
        keys = [str(name) for name in node if name != "hydra"] if _is_mapping(node) else []
        if part not in keys or part == parts[-1]:
            return keys, part, stages
        node = node[part]
    return [], parts[-1], stages


def _null_section(overrides: Sequence[str], composed: Callable[[Sequence[str]], Any]) -> str | None:
    """The first override's key, or what it lies in, that is null without the value overrides."""
    from omegaconf import OmegaConf

    keys = [override.lstrip("+").partition("=")[0] for override in overrides]
    values = [key for key in keys if "." in key and "@" not in key]
    kept = [o for o, key in zip(overrides, keys, strict=True) if key not in values]
    config = composed(kept)
    for key in values:
        parts = key.split(".")
        for count in range(2, len(parts) + 1):
            section = ".".join(parts[:count])
            parent = OmegaConf.select(config, ".".join(parts[: count - 1]))
            if (
                _is_mapping(parent)
                and parts[count - 1] in parent
                and parent[parts[count - 1]] is None
            ):
                return section
    return None


def _fields_of(registry: Registry, class_name: str) -> list[str]:
    """The fields of the config class of that name, wherever it sits in the kinds' configs."""
    waiting: list[Any] = [kind.config for kind in registry.values()]
    while waiting:
        found = waiting.pop()
        if dataclasses.is_dataclass(found) and isinstance(found, type):
            if found.__name__ == class_name:
                return [field.name for field in dataclasses.fields(found)]
            waiting.extend(get_type_hints(found).values())
        else:
            waiting.extend(get_args(found))
    return []


def _is_mapping(node: Any) -> bool:
    from omegaconf import DictConfig

    return isinstance(node, DictConfig)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
