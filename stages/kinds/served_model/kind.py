"""A chat model behind an OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from omegaconf import MISSING

from pipeline.errors import UsageError
from pipeline.kinds import Kind, Problem, Stage
from stages.settings.generation import Server
from stages.settings.stage import GivenConfig, from_root


@dataclass
class ServedModelConfig(GivenConfig):
    """A chat model behind an OpenAI-compatible server: to be evaluated, or to judge.

    revision: any word; another one when the server has other weights under the same name.
    """

    url: str = MISSING  # the base URL, which mostly ends in /v1
    model: str = MISSING  # the name under which the server knows it
    revision: str = ""
    server: Server = from_root("server", Server, identity=False)


def check(stage: Stage) -> Iterator[Problem]:
    """A base URL without a secret in it."""
    from stages.rollout.chat_server import check_url

    try:
        check_url(stage.config.url, "url")
    except UsageError as error:
        yield Problem("url", str(error).removeprefix("url").lstrip("=: "))


def origin(stage: Stage) -> str:
    config: ServedModelConfig = stage.config
    return f"{config.model}, served at {config.url}"


KINDS = (
    Kind(
        "served_model",
        1,
        ServedModelConfig,
        "served_model",
        "stages.kinds.served_model.run:run",
        check=check,
        origin=origin,
    ),
)
