"""Hydra's loader, which merges plain data and types each stage once, at the end.

OmegaConf walks the whole tree at every merge, and typed nodes slowly: of some 200 files that was
two thirds of the time of every command. Files, order, packages and overrides stay Hydra's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.default_element import ResultDefault
from omegaconf import DictConfig, OmegaConf, flag_override

_MISSING = "???"

#: The typed defaults of a stage with this content; None for what is no stage of a known kind.
Base = Callable[[Any], DictConfig | None]


class PlainLoader(ConfigLoaderImpl):
    """Composes what ConfigLoaderImpl composes."""

    def __init__(self, path: ConfigSearchPath, base: Base) -> None:
        super().__init__(path)
        self._base = base

    def _compose_config_from_defaults_list(
        self, defaults: list[ResultDefault], repo: Any
    ) -> DictConfig:
        config, plain = OmegaConf.create(), dict[str, Any]()
        for default in defaults:
            loaded = self._load_single_config(default, repo).config
            assert isinstance(loaded, DictConfig)
            if "hydra" in loaded:  # typed, and read by Hydra itself
                config.merge_with({"hydra": loaded.pop("hydra")})
            _merge(plain, OmegaConf.to_container(loaded), plain, ())
        stages = plain.get("stages")
        config.merge_with(plain if stages is None else {**plain, "stages": {}})
        for name, content in (stages or {}).items():
            base = self._base(content)
            with flag_override(config, "no_deepcopy_set_nodes", True):
                config.stages[name] = content if base is None else base
            if base is not None:  # in its place, where its keys have their whole names
                base.merge_with(content)
        return config


def _merge(into: dict[str, Any], more: Any, root: Any, at: Sequence[str]) -> None:
    """Put what a later file says over what earlier ones said, as OmegaConf does.

    What is missing hides nothing. A part of an interpolation: it becomes what it stands for so far.
    """
    for key, value in more.items():
        old = into.get(key)
        if isinstance(value, dict):
            if isinstance(old, str) and "${" in old:
                old = _stands_for(root, [*at, str(key)])
            into[key] = old if isinstance(old, dict) else {}
            _merge(into[key], value, root, [*at, str(key)])
        elif value != _MISSING or key not in into:
            into[key] = value


def _stands_for(root: Any, at: Sequence[str]) -> Any:
    node = OmegaConf.select(OmegaConf.create(root), ".".join(at))
    return OmegaConf.to_container(node) if isinstance(node, DictConfig) else None
