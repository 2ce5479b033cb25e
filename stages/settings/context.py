"""Whether a stage's tokens fit into what its models see (positions), before anything runs.

The weights are followed to where they come in: a tiny base has its shape, a checkpoint its own
config.json (a local folder, or the hub's cache) or the number in conf/model. Where nobody knows,
the stage itself refuses when it starts (stages/models/window.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.kinds import Problem, Stage
from stages.models.window import Span, span_of
from stages.settings import rope
from stages.settings.generation import Sampling

PROMPT = "max_prompt_tokens"
CONFIG = "config.json"


@dataclass(frozen=True)
class Window:
    """What a model sees, prompt and completion together, and the key that gives it more."""

    tokens: int
    key: str
    stretch: str | None = None  # the key that stretches rotary positions
    original: int = 0  # the window that `stretch` starts from; 0: unknown

    def room_for(self, tokens: int) -> str:
        """What gives the model room for so many tokens."""
        said = f"{self.key}={tokens}"
        if self.stretch and self.original and tokens > self.original:
            factor = rope.factor_for(tokens, self.original)
            said += f", or stretched: {self.stretch}={{rope_type: yarn, factor: {factor}}}"
        return said


def positions(stage: Stage) -> Window | None:
    """The window of the model that a stage makes, through all training; None: nobody knows."""
    if before := stage.inputs["init_from"]:
        return positions(before[0])
    key = f"stages.{stage.name}"
    if stage.kind.name == "pretrain":
        return Window(
            stage.config.shape.max_position_embeddings, f"{key}.shape.max_position_embeddings"
        )
    if stage.kind.name == "pretrained":
        return _of_checkpoint(stage.config, f"{key}.context")
    return None


def _of_checkpoint(config: Any, key: str) -> Window | None:
    """What a checkpoint sees as its `context` has it."""
    before, asked = published(config), config.context
    seen = asked.positions or (before.seen if before else None)
    scaling = rope.read(asked.rope_scaling)
    if scaling is not None and before is not None:
        seen = scaling.window(before.original)
    if seen is None:
        return None
    return Window(seen, f"{key}.positions", f"+{key}.rope_scaling", (before or Span(0, 0)).original)


def published(config: Any) -> Span | None:
    """What a checkpoint sees without its `context`: by its own config.json, where it is here.

    Else by the number in conf/model, of which nobody knows whether it was stretched.
    """
    file = config_file(config.path, config.revision)
    try:
        found = span_of(json.loads(file.read_text())) if file and file.is_file() else None
    except (ValueError, AttributeError):  # no JSON of a config; the stage says so
        found = None
    if found is None and config.positions:
        return Span(config.positions, config.positions)
    return found


def config_file(path: str, revision: str | None) -> Path | None:
    """Where the config.json of a folder or hub name would be on this machine."""
    local = Path(path).expanduser()
    return local / CONFIG if local.is_dir() else _cached(path, revision)


def _cached(name: str, revision: str | None) -> Path | None:
    """The config of a hub name in the local cache, if it was ever downloaded."""
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, CONFIG, constants.HF_HUB_CACHE, revision)
    except HFValidationError:  # a folder that is not there; the stage says so
        return None
    return Path(found) if isinstance(found, str) else None


def whole_rows(stage: Stage) -> Iterator[Problem]:
    """SFT and reward models: the longest row that is learnt from."""
    yield from fits(stage.inputs["init_from"], "max_length", stage.config.max_length)


def models(stage: Stage) -> tuple[Stage, ...]:
    return tuple(source for source in stage.inputs["data_from"] if source.kind.produces == "model")


def fits(models: tuple[Stage, ...], key: str, longest: int, prompt: int = 0) -> Iterator[Problem]:
    """Tokens that are surely reached: rows of this length, or the longest prompt and completion."""
    for model in models:
        seen = positions(model)
        if seen is None or longest + prompt <= seen.tokens:
            continue
        with_prompt = f" beside {PROMPT}={prompt}" if prompt else ""
        if seen.tokens > prompt:
            fitting = f"set it to at most {seen.tokens - prompt}"
        else:
            fitting = f"set it and {PROMPT} so that they are at most {seen.tokens} in all"
        yield Problem(key, _text(model, seen, longest, with_prompt, fitting, longest + prompt))


def draws(
    stage: Stage, models: tuple[Stage, ...], key: str, sampling: Sampling, forced: int = 0
) -> Iterator[Problem]:
    """Completions beside which no prompt has room. Where some have, the stage counts the others.

    forced: tokens that are put behind the completion.
    """
    prompt: int = stage.root["size"]["prompt"]
    longest = sampling.max_tokens
    for model in models:
        seen = positions(model)
        if seen is None or longest + forced < seen.tokens:
            continue
        room = prompt if prompt + forced < seen.tokens else seen.tokens // 2
        fitting = f"set it to at most {max(1, seen.tokens - forced - room)}"
        text = _text(model, seen, longest, " beside a prompt", fitting, longest + forced + prompt)
        yield Problem(f"{key}.max_tokens", text)


def _text(model: Stage, seen: Window, longest: int, beside: str, fitting: str, needed: int) -> str:
    return (
        f"is {longest}{beside}, and {model.name} sees {seen.tokens} tokens in all: {fitting}, or "
        f"give the model more room: {seen.room_for(needed)}"
    )
