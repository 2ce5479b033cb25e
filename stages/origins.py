"""Where the rows and weights come from that a stage brings in itself, in words. No torch here.

Whether a path is a file, a folder or a name on the hub is seen by looking for it, as stages do.
"""

from __future__ import annotations

from functools import singledispatch
from pathlib import Path
from typing import Any

from stages.configs import (
    ConversationsConfig,
    DatasetConfig,
    GeneralConfig,
    PreferencesConfig,
    PretrainConfig,
    PretrainedConfig,
    ProblemsConfig,
    ReasoningGymConfig,
    ReviewedConfig,
    ServedModelConfig,
    StageConfig,
)
from stages.rows.places import not_there

TINY = "the tiny world"


@singledispatch
def of(config: StageConfig) -> str:
    """The words for a stage of this config; empty where it brings nothing in."""
    return ""


@of.register
def _pretrain(_: PretrainConfig) -> str:
    return f"{TINY}: trained here on its corpus"


@of.register
def _pretrained(config: PretrainedConfig) -> str:
    revision = f" at revision {config.revision}" if config.revision else ""
    return f"{_place(config.path)}{revision}"


@of.register
def _served_model(config: ServedModelConfig) -> str:
    return f"{config.model}, served at {config.url}"


@of.register
def _problems(config: ProblemsConfig) -> str:
    counts = [f"{domain} {count:,}" for domain, count in config.per_domain.items()]
    languages = " and ".join(config.languages)
    return f"{TINY}, split {config.split}, in {languages}: {', '.join(counts)}"


@of.register
def _dataset(config: DatasetConfig) -> str:
    return (
        f"{_rows(config.path, config.subset, config.split, config.limit)}, read as {config.format}"
    )


@of.register
def _conversations(config: ConversationsConfig) -> str:
    return _rows(config.path, config.subset, config.split, config.limit)


@of.register
def _reasoning_gym(config: ReasoningGymConfig) -> str:
    tasks = ", ".join(config.tasks)
    return f"reasoning-gym, split {config.split}, {config.per_task:,} of each task: {tasks}"


@of.register
def _general(config: GeneralConfig) -> str:
    counts = [f"{source} {count:,}" for source, count in config.rows.items() if count]
    return f"{TINY}: {', '.join(counts)}" if counts else ""


@of.register
def _judged(config: PreferencesConfig) -> str:
    if config.path:
        return _place(config.path)
    return f"{TINY}, and its judge" if config.judge and not config.judge_with else ""


@of.register
def _reviewed(config: ReviewedConfig) -> str:
    return f"the sheet {_place(config.sheet)}"


def _rows(path: str, subset: Any, split: str, limit: int | None) -> str:
    words = _place(path)
    if not _local(path).exists():
        configurations = [subset] if isinstance(subset, str) else list(subset or ())
        words += f" ({', '.join([*configurations, f'split {split}'])})"
    return words + (f", the first {limit:,} rows" if limit else "")


def _place(path: str) -> str:
    """`file X`, `folder X`, or `X on the Hugging Face hub`; what is neither is not there."""
    local = _local(path)
    if local.is_dir():
        return f"folder {path}"
    if local.exists():
        return f"file {path}"
    return f"{path}, which is not there" if not_there(path) else f"{path} on the Hugging Face hub"


def _local(path: str) -> Path:
    return Path(path).expanduser()
