"""From overrides to typed stage configs, by Hydra.

Every kind's dataclass is in Hydra's ConfigStore as group `kind`, so a stage's YAML says

    defaults: [/kind/rl@_here_]

and its keys are checked while Hydra composes. A stage written with a plain `kind: rl` is checked
the same way afterwards. A profile may carry numbers for stages that the chosen recipe does not
have: entries of `stages` without a `kind` are dropped, here and nowhere else.
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

from pipeline import addresses, compositions
from pipeline.compose_errors import translated
from pipeline.errors import UsageError
from pipeline.graph import did_you_mean
from pipeline.kinds import Registry
from pipeline.overrides import readable
from pipeline.project import Project, load

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
    kept = compositions.path_of(project, overrides)
    if kept and (found := compositions.read(kept, Composed, registry)):
        return found
    overrides = readable(overrides)
    composed = composer(project)
    with translated(registry, overrides, composed), _no_collection():
        config = composed(overrides)
        made = resolve(config, registry, config.hydra.runtime.choices, overrides)
    if kept:
        compositions.write(kept, made, registry)
    return made


def composer(project: Project) -> Callable[[Sequence[str]], DictConfig]:
    """Composes overrides; what it returns is typed and unresolved, with Hydra's own settings."""

    def composed(overrides: Sequence[str]) -> DictConfig:
        from hydra import compose as hydra_compose
        from hydra import initialize_config_dir
        from hydra.core.config_store import ConfigStore
        from hydra.core.global_hydra import GlobalHydra

        from pipeline.plain_loader import PlainLoader

        registry = project.kinds()
        for name in registry:
            ConfigStore.instance().store(group="kind", name=name, node={"kind": name})
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(project.conf_dir()), version_base=VERSION_BASE):
            hydra = GlobalHydra.instance().hydra
            assert hydra is not None
            path = hydra.config_loader.get_search_path()
            hydra.config_loader = PlainLoader(path, partial(_base, registry))
            return hydra_compose(CONFIG_NAME, overrides=list(overrides), return_hydra_config=True)

    return composed


def _base(registry: Registry, content: Any) -> DictConfig | None:
    """What a stage of plain data is merged over: the typed defaults of its kind."""
    name = str(content.get("kind")) if isinstance(content, dict) else ""
    return copy.deepcopy(_structured(registry[name].config, name)) if name in registry else None


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


def register(registry: Registry) -> None:
    """Put every kind's dataclass into Hydra's ConfigStore as `kind/<name>`, for `hydra.main`."""
    from hydra.core.config_store import ConfigStore

    for kind in registry.values():
        ConfigStore.instance().store(
            group="kind", name=kind.name, node=schema(kind.config, kind.name)
        )


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
        absent = [name for name, node in stages.items() if not _has_kind(node)]
        _check_overrides_reach(overrides, set(stages) - set(absent))
        for name in absent:
            del stages[name]
        for name, node in stages.items():
            stages[name] = _typed(name, node, registry)
    root = _converted(config)
    instances = _settled(root.get("stages") or {}, registry, overrides)
    root["stages"] = {name: dataclasses.asdict(stage) for name, stage in instances.items()}
    addresses.refuse(root)
    words = {str(k): str(v) for k, v in choices.items() if v is not None}
    return Composed(root, instances, words, list(overrides))


def _settled(
    stages: Mapping[str, Any], registry: Registry, overrides: Sequence[str]
) -> dict[str, Any]:
    """Every stage with what its kind takes from other stages' configs."""
    settles = {name: registry[config.kind].settle for name, config in stages.items()}
    return {
        name: load(settle)(name, stages, overrides) if (settle := settles[name]) else config
        for name, config in stages.items()
    }


def _converted(config: DictConfig) -> dict[str, Any]:
    """The config resolved, in one pass: plain data, and stages as instances."""
    from omegaconf import OmegaConf
    from omegaconf.errors import MissingMandatoryValue

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
