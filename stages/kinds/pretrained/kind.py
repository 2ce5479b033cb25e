"""An existing checkpoint: is it there, is it whole, has a copy room. Before torch is loaded.

A hub name is left to the stage. What is found only stands in the way of running it: a finished
result is used as it is, and a plan can be read before the folder is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import MISSING

from pipeline.kinds import Kind, Problem, Stage
from stages.models.folder import Unfit, check_whole, taken
from stages.rows.places import HUB_NAME
from stages.settings import context, hub, rope
from stages.settings.hub import Hub
from stages.settings.origins import place
from stages.settings.stage import GivenConfig, from_root, later, outside_file, placement

RECIPE = "recipe"  # the value of chat_template that is no file
GB = 1e9
SAID_FROM = 1 * GB  # a copy that is worth a word


@dataclass
class ModelContext:
    """What is changed in the config of a checkpoint that shall see more tokens than it did.

    The weights stay: training at that length has to teach them. null leaves the checkpoint's own.
    rope_scaling stretches the rotary positions over the window before times its factor; positions
    then follow from it.
    """

    positions: int | None = None  # max_position_embeddings, of prompt and completion together
    rope_theta: float | None = None  # the base of the rotary positions
    rope_scaling: dict[str, Any] = later(dict)  # as transformers' rope_parameters; settings/rope.py

    def changes(self) -> bool:
        """Whether anything is asked for."""
        return (self.positions, self.rope_theta, self.rope_scaling) != (None, None, {})


@dataclass
class PretrainedConfig(GivenConfig):
    """Take an existing checkpoint: a Hugging Face hub name or a local folder.

    positions: what it sees as it was published, for the plan where its files are not here yet.
    trust_remote_code: run the Python files that come with it, as you and with your rights, in every
    stage that loads the model; without, an architecture that transformers lacks is refused.
    fits_a_machine: false where no machine of yours holds its weights; stages that would load them
    are refused (stages/settings/carried.py).
    """

    path: str = outside_file(MISSING)
    revision: str | None = None
    trust_remote_code: bool = False
    context: ModelContext = field(default_factory=ModelContext)
    positions: int | None = placement(None)
    fits_a_machine: bool = placement(True)
    # `recipe`, or a .jinja file; null: the model's own, or the recipe's where it has none
    chat_template: str | None = outside_file(None)
    hub: Hub = from_root("hub", Hub, identity=False)


def check(stage: Stage) -> Iterator[Problem]:
    """The folder, its files, the room for a copy of them, and the chat template."""
    config: PretrainedConfig = stage.config
    yield from hub.check(config.hub)
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
    yield from _context(stage)
    template = config.chat_template
    if template and template != RECIPE and not Path(template).expanduser().is_file():
        text = f"is {template}, and there is no such file: expected a .jinja file or `{RECIPE}`"
        yield Problem("chat_template", text, when_run=True)


def _context(stage: Stage) -> Iterator[Problem]:
    """A window that can be had, as far as the model is known before it is here."""
    config: PretrainedConfig = stage.config
    asked, span = config.context, context.published(config)
    if span is not None and not span.rotary and asked.changes():
        yield Problem(
            "context",
            f"asks for another window, and {config.path} has no rotary positions: its weights hold "
            "one vector for each of its positions. Set all parts of it to null, or take another "
            "model",
        )
        return
    yield from rope.check(asked.rope_scaling)
    scaling = rope.read(asked.rope_scaling)
    if span is not None and scaling is not None:
        yield from rope.fits(scaling, span.original, span.seen, asked.positions)


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


def origin(stage: Stage) -> str:
    config: PretrainedConfig = stage.config
    revision = f" at revision {config.revision}" if config.revision else ""
    return f"{place(config.path)}{revision}"


KINDS = (
    Kind(
        "pretrained",
        3,
        PretrainedConfig,
        "model",
        "stages.kinds.pretrained.run:run",
        check=check,
        origin=origin,
        work="stages.kinds.pretrained.work:work",
    ),
)
