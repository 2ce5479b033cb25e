"""Whether a checkpoint on this machine can be a recipe's base: its folder, before torch is loaded.

A hub name is left to the stage. What is found only stands in the way of running it: a finished
result is used as it is, and a plan can be read before the folder is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.kinds import Problem, Stage
from stages.configs import PretrainedConfig
from stages.models.folder import Unfit, check_whole, taken
from stages.rows.places import HUB_NAME

RECIPE = "recipe"  # the value of chat_template that is no file
GB = 1e9
SAID_FROM = 1 * GB  # a copy that is worth a word


def pretrained(stage: Stage) -> Iterator[Problem]:
    """The folder, its files, the room for a copy of them, and the chat template."""
    config: PretrainedConfig = stage.config
    folder = Path(config.path).expanduser()
    if folder.is_dir():
        try:
            files = taken(folder, config.trust_remote_code)
            check_whole(folder)
        except (Unfit, OSError) as error:
            yield Problem("path", f"is {config.path}: {error}", when_run=True)
        else:
            yield from _room(files, Path(stage.root["paths"]["store"]))
    elif folder.exists() or not HUB_NAME.fullmatch(config.path):
        found = "a file" if folder.exists() else "not there"
        yield Problem(
            "path",
            f"is {config.path}, which is {found} (looked from {Path.cwd()}): give the folder that "
            "save_pretrained wrote, or the name of a model on the hub, as Qwen/Qwen2.5-0.5B",
            when_run=True,
        )
    template = config.chat_template
    if template and template != RECIPE and not Path(template).expanduser().is_file():
        text = f"is {template}, and there is no such file: expected a .jinja file or `{RECIPE}`"
        yield Problem("chat_template", text, when_run=True)


def _room(files: list[Path], store: Path) -> Iterator[Problem]:
    """Local weights are copied: their owner may go on training them, in the same files."""
    needed = sum(file.stat().st_size for file in files)
    there = next(place for place in (store, *store.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    if needed >= free:
        yield Problem(
            "path",
            f"its files take {needed / GB:.1f} GB, which are copied to {store}, and "
            f"{free / GB:.1f} GB are free there: make room, or set paths.store to another disk",
            when_run=True,
        )
    elif needed >= SAID_FROM:
        text = f"its files are copied to {store}: {needed / GB:.1f} of the {free / GB:.1f} GB free"
        yield Problem("path", text, only_said=True)
