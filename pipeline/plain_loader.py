"""Hydra's loader, which merges plain data and types each stage once, at the end.

OmegaConf walks the whole tree at every merge, and typed nodes slowly: of some 200 files that was
two thirds of the time of every command. Files, order, packages and overrides stay Hydra's own.

What a profile says of many stages is merged here, too. A file may have at its root

    kinds: {evaluate: {samples_per_problem: 8}}  # every stage of this kind
    steps: {distill: {batch_size: 64}}            # every stage made of stage/distill.yaml

A stage is then, from weak to strong: the defaults of its kind; the files that it is composed from
(of `stage`, `model`, `data`, and the groups within); each file's `kinds` and, over these, `steps`;
what recipes and profiles say of it by name; and the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

import hydra._internal.hydra as hydra_itself
from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.default_element import ResultDefault
from omegaconf import DictConfig, OmegaConf, flag_override
from omegaconf.errors import OmegaConfBaseException

from pipeline import sections
from pipeline.errors import UsageError
from pipeline.graph import did_you_mean

STAGE = "stage"  # the group whose files are steps
_MISSING = "???"
_hydras_map = defaults_list._create_interpolation_map

#: The typed defaults of a kind by its name.
Base = Callable[[str], DictConfig]


@contextmanager
def plain_loading(kinds: Collection[str], base: Base) -> Iterator[None]:
    """Whatever Hydra composes meanwhile, here or in `hydra.main`, is loaded by a PlainLoader."""
    loader = partial(PlainLoader, kinds=kinds, base=base)
    with (
        _replaced(hydra_itself, "ConfigLoaderImpl", loader),
        _replaced(defaults_list, "_create_interpolation_map", _interpolation_map),
    ):
        yield


@contextmanager
def _replaced(module: ModuleType, name: str, ours: Any) -> Iterator[None]:
    """Hydra has these by name, and no other way to give it one."""
    theirs = getattr(module, name)
    setattr(module, name, ours)
    try:
        yield
    finally:
        setattr(module, name, theirs)


def _interpolation_map(overrides: Any, defaults: Any, self_added: bool) -> DictConfig:
    """What an interpolation in a list of defaults may name; made only where there is one."""
    if any(default.is_interpolation() for default in defaults):
        made: DictConfig = _hydras_map(overrides, defaults, self_added)
        return made
    return OmegaConf.create()


class PlainLoader(ConfigLoaderImpl):
    """Composes what ConfigLoaderImpl composes, and what files say by kind and by step."""

    def __init__(
        self, config_search_path: ConfigSearchPath, kinds: Collection[str], base: Base
    ) -> None:
        super().__init__(config_search_path)
        self._kinds = kinds
        self._base = base

    def _compose_config_from_defaults_list(
        self, defaults: list[ResultDefault], repo: Any
    ) -> DictConfig:
        config, stages = OmegaConf.create(), _Stages()
        for default in defaults:
            loaded = self._load_single_config(default, repo).config
            assert isinstance(loaded, DictConfig)
            if "hydra" in loaded:  # typed, and read by Hydra itself
                config.merge_with({"hydra": loaded.pop("hydra")})
            content: Any = OmegaConf.to_container(loaded)
            sections.keep_sources(content)
            stages.read(default, content)
        stages.refuse_unknown(self._kinds, repo.get_group_options(STAGE))
        config.merge_with({**stages.root, "stages": {}} if stages.names else stages.root)
        for name in stages.names:
            content = stages.merged(name)
            kind = str(content.get("kind")) if isinstance(content, dict) else ""
            base = self._base(kind) if kind in self._kinds else None
            with flag_override(config, "no_deepcopy_set_nodes", True):
                config.stages[name] = content if base is None else base
            if base is not None:  # in its place, where its keys have their whole names
                try:
                    base.merge_with(content)
                except OmegaConfBaseException:
                    stages.try_shared(name, kind, self._base)
                    raise
        return config


class _Stages:
    """What the files say: `root`, and of stages and of many of them at once, in order."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self.names: dict[str, None] = {}
        self._made: dict[str, Any] = {}  # of files that a stage is composed from
        self._named: dict[str, Any] = {}  # of files that say something of a stage by its name
        self._steps: dict[str, list[str]] = {}
        self._shared: list[tuple[dict[str, Any], dict[str, Any]]] = []  # by kind and by step

    def read(self, default: ResultDefault, content: Any) -> None:
        """Take in one more file, which is stronger than those before it."""
        stages, kinds, steps = (content.pop(key, None) for key in ("stages", "kinds", "steps"))
        _merge(self.root, content, self.root, ())
        if kinds or steps:
            self._shared.append((kinds or {}, steps or {}))
        if not stages:
            return
        self.names.update(dict.fromkeys(stages))
        path, place = str(default.config_path), str(default.package).split(".")
        # By the command line's `+prompt@stages.NAME.template=…`, one stage is meant.
        typed = len(place) > 2 and "/" not in str(default.parent)
        into = self._made if place[0] == "stages" and not typed else self._named
        _merge(into, stages, {**self.root, "stages": into}, ("stages",))
        if len(place) == 2 and path.startswith(f"{STAGE}/"):
            self._steps.setdefault(place[1], []).append(path.removeprefix(f"{STAGE}/"))

    def merged(self, name: str) -> Any:
        """All that the files say of a stage."""
        found: dict[str, Any] = {}
        root = {**self.root, "stages": found}
        kind = _kind(self._named.get(name)) or _kind(self._made.get(name)) or ""
        shared = ({name: numbers} for _, numbers in self._shared_by(name, kind))
        for said in (_only(self._made, name), *shared, _only(self._named, name)):
            _merge(found, said, root, ("stages",))
        return found[name]

    def refuse_unknown(self, kinds: Collection[str], steps: Collection[str]) -> None:
        """Raise UsageError for numbers of a kind or step that there is not."""
        for by_kind, by_step in self._shared:
            for section, said, known, what in (
                ("kinds", by_kind, kinds, "kind of stage"),
                ("steps", by_step, steps, f"file of {STAGE}/"),
            ):
                for name in said:
                    if name not in known:
                        raise UsageError(
                            f"{section}.{name}: `{name}` is no {what}. {did_you_mean(name, known)}"
                        )

    def try_shared(self, name: str, kind: str, base: Base) -> None:
        """Raise the error of a stage's numbers by kind or step alone, with their own key."""
        for place, numbers in self._shared_by(name, kind):
            section, _, entry = place.partition(".")
            OmegaConf.create({section: {entry: base(kind)}}).merge_with({section: {entry: numbers}})

    def _shared_by(self, name: str, kind: str) -> Iterator[tuple[str, Any]]:
        for kinds, steps in self._shared:
            if kind in kinds:
                yield f"kinds.{kind}", kinds[kind]
            for step in self._steps.get(name, ()):
                if step in steps:
                    yield f"steps.{step}", steps[step]


def _only(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: said[name]} if name in said else {}


def _kind(said: Any) -> Any:
    kind = said.get("kind") if isinstance(said, Mapping) else None
    return None if kind == _MISSING else kind


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
