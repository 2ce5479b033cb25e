"""What a served model can have set wrong: where it is. No torch here."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.errors import UsageError
from pipeline.kinds import Problem, Stage


def check(stage: Stage) -> Iterator[Problem]:
    """A base URL without a secret in it."""
    from stages.rollout.chat_server import check_url

    try:
        check_url(stage.config.url, "url")
    except UsageError as error:
        yield Problem("url", str(error).removeprefix("url").lstrip("=: "))
