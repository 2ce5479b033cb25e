"""From overrides to typed stage configs, by Hydra.

Every kind is in Hydra's ConfigStore as group `kind`, so a stage's YAML says

    defaults: [/kind/rl@_here_]

and its keys are checked, by the kind's dataclass, while Hydra composes (plain_loader.py, which also
has the order in which profiles, recipes and stages speak). A stage of the command line, as
`+stages.x={kind: rl}`, is checked the same way afterwards. A profile may carry numbers for stages
that the chosen recipe does not have: entries of `stages` without a `kind` are dropped, here and
nowhere else, and slots (pipeline/slots.py) are filled.
"""

from __future__ import annotations

import copy
import dataclasses
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from pipeline import addresses, compositions, seeds
from pipeline.compose_errors import translated
from pipeline.errors import UsageError
from pipeline.graph import did_you_mean, stages_of
from pipeline.kinds import Registry
from pipeline.overrides import readable
from pipeline.project import Project
from pipeline.slots import fill, slots_of

if TYPE_CHECKING:
    from omegaconf import DictConfig

CONFIG_NAME = "config"
VERSION_BASE = "1.3"


@dataclass(frozen=True)
class Composed:
    """A resolved configuration: `root` as plain data, `stages` as instances of their dataclass.

    command: the words that asked for it, of a command other than `r1 run` with these overrides.
    """

    root: dict[str, Any]
    stages: dict[str, Any]
    choices: dict[str, str]
    overrides: list[str]
    command: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What this configuration is called: recipe and profile, as far as it has them."""
        parts = [self.choices.get(group, "") for group in ("recipe", "profile")]
        return "-".join(part for part in parts if part) or "run"


def compose(project: Project, overrides: Sequence[str]) -> Composed:
    """Compose the project's configuration with Hydra overrides, or find it as it was composed."""
    registry = project.kinds()
    words, kept = overrides, compositions.path_of(project, overrides)
    if kept and (found := compositions.read(kept, Composed, registry)):
        return found
    overrides = readable(overrides)
    composed = composer(project)
    with translated(registry, overrides, composed), _no_collection():
        config = composed(overrides)
        made = resolve(config, registry, config.hydra.runtime.choices, overrides)
    if kept and kept == compositions.path_of(project, words):  # nothing was edited meanwhile
        compositions.write(kept, made, registry)
    return made


def composer(project: Project) -> Callable[[Sequence[str]], DictConfig]:
    """Composes overrides; what it returns is typed and unresolved, with Hydra's own settings."""

    def composed(overrides: Sequence[str]) -> DictConfig:
        from hydra import compose as hydra_compose
        from hydra import initialize_config_dir
        from hydra.core.global_hydra import GlobalHydra

        GlobalHydra.instance().clear()
        conf = str(project.conf_dir())
        with loading(project.kinds()), initialize_config_dir(conf, version_base=VERSION_BASE):
            return hydra_compose(CONFIG_NAME, overrides=list(overrides), return_hydra_config=True)

    return composed


@contextmanager
def loading(registry: Registry) -> Iterator[None]:
    """While Hydra, `hydra.main` included, knows the kinds and loads as plain_loader.py says."""
    from hydra.core.config_store import ConfigStore

    from pipeline.plain_loader import plain_loading

    for name in registry:
        ConfigStore.instance().store(group="kind", name=name, node={"kind": name})
    with plain_loading(registry, partial(_base, registry)):
        yield


def _base(registry: Registry, name: str) -> DictConfig:
    """What a stage of a kind is merged over: the typed defaults of the kind."""
    return copy.deepcopy(_structured(registry[name].config, name))


@cache
def _structured(config: type, name: str) -> DictConfig:
    from omegaconf import OmegaConf

    node: DictConfig = OmegaConf.structured(schema(config, name))
    return node


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without looking for garbage: many objects are made, and 15 % of the time went into that."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def schema(config: type, kind: str) -> Any:
    """The defaults of a kind with this config; a field with the metadata `root` has the root's."""
    defaults = config(kind=kind)
    for field in dataclasses.fields(defaults):
        if key := field.metadata.get("root"):
            setattr(defaults, field.name, _reference(getattr(defaults, field.name), key))
    return defaults


def _reference(value: Any, key: str) -> Any:
    """`${key}`; of a dataclass field by field, so that a stage can have some of its own."""
    if not dataclasses.is_dataclass(value):
        return f"${{{key}}}"
    for field in dataclasses.fields(value):
        at = field.metadata.get("root", f"{key}.{field.name}")
        setattr(value, field.name, _reference(getattr(value, field.name), at))
    return value


def resolve(
    config: DictConfig,
    registry: Registry,
    choices: Mapping[str, Any],
    overrides: Sequence[str],
) -> Composed:
    """Type, resolve and check a composed config. Raises UsageError with the key at fault."""
    from omegaconf import open_dict, read_write

    with open_dict(config), read_write(config):
        config.pop("hydra", None)
        stages = config.get("stages") or {}
        absent = {name: node for name, node in stages.items() if not _has_kind(node)}
        slots = slots_of(absent)
        _check_overrides_reach(overrides, {*stages} - {*absent} | {*slots})
        for name in absent:
            del stages[name]
        for name, node in stages.items():
            if (typed := _typed(name, node, registry)) is not node:  # what is set is copied
                stages[name] = typed
            fill(name, stages[name], slots, registry.edges)
    root, instances = _of_all_seeds(config, registry, overrides)
    if slots:
        root["slots"] = slots
    root["stages"] = {name: dataclasses.asdict(stage) for name, stage in instances.items()}
    addresses.refuse(root)
    words = {str(k): str(v) for k, v in choices.items() if v is not None}
    return Composed(root, instances, words, list(overrides))


def _of_all_seeds(
    config: DictConfig, registry: Registry, overrides: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The config resolved, that of the first seed, and the stages of all."""
    root = _converted(config)
    wanted = seeds.asked_by(root, overrides)
    roots = {s: root if s == root.get(seeds.ONE) else _converted(config, s) for s in wanted}
    composed = {seed: _settled(one, registry, overrides) for seed, one in roots.items()}
    return roots[wanted[0]], seeds.together(composed, registry.edges)


def _settled(
    root: Mapping[str, Any], registry: Registry, overrides: Sequence[str]
) -> dict[str, Any]:
    """The config of every stage with what follows from its other keys, and from other stages."""
    typed = {override.lstrip("+").partition("=")[0] for override in overrides}
    settled = {}
    for name, stage in stages_of(root.get("stages") or {}, registry, root).items():
        keys = {key.removeprefix(f"stages.{name}.") for key in typed}
        settle = stage.kind.settle
        settled[name] = settle(stage, keys) if settle else stage.config
    return settled


def _converted(config: DictConfig, seed: int | None = None) -> dict[str, Any]:
    """The config resolved, in one pass: plain data, and stages as instances; with another seed."""
    from omegaconf import OmegaConf, read_write
    from omegaconf.errors import MissingMandatoryValue

    if seed is not None:
        with read_write(config):
            config[seeds.ONE] = seed
    try:
        found = OmegaConf.to_object(config)
    except MissingMandatoryValue as error:
        missing = sorted(OmegaConf.missing_keys(config))
        raise UsageError(
            f"{', '.join(missing)}: no value. Set it in conf/ or on the command line, "
            f"e.g. `{missing[0]}=…`."
        ) from error
    assert isinstance(found, dict)
    return {str(key): value for key, value in found.items()}


def _has_kind(node: Any) -> bool:
    from omegaconf import DictConfig, OmegaConf

    if not isinstance(node, DictConfig) or "kind" not in node:
        return False
    return not OmegaConf.is_missing(node, "kind") and node.kind is not None


def _typed(name: str, node: Any, registry: Registry) -> Any:
    from omegaconf import OmegaConf

    if node.kind not in registry:
        raise UsageError(
            f"stages.{name}.kind: `{node.kind}` is no kind of stage. "
            f"{did_you_mean(str(node.kind), registry)}"
        )
    kind = registry[node.kind]
    if OmegaConf.get_type(node) is kind.config:
        return node
    return OmegaConf.merge(_structured(kind.config, kind.name), node)


def _check_overrides_reach(overrides: Sequence[str], stages: set[str]) -> None:
    """An override of a stage that this recipe lacks would be dropped in silence: refuse it."""
    for override in overrides:
        key = override.lstrip("+~").partition("=")[0]
        parts = key.split(".")
        if parts[0] == "stages" and len(parts) > 1 and parts[1] not in stages:
            if override.startswith("~"):
                continue
            raise UsageError(
                f"{override}: there is no stage `{parts[1]}` in this recipe. "
                f"{did_you_mean(parts[1], stages)}"
            )
