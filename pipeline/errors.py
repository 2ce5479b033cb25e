"""What can go wrong, by what the user has to do about it.

RecipeError            one clear message, no traceback unless --debug
├── UsageError         wrong override, name, file or edge; nothing ran (exit code 2)
└── StageFailed        a stage ran and failed (exit code 1)
    └── NodeLost       not by itself: a machine is gone, and it may be started again
"""

from __future__ import annotations

UNSEEN = "\ufffd"  # in place of what would command a terminal instead of being read


def printable(text: str) -> str:
    """A line that may hold what a model wrote, without control characters and lone surrogates."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else UNSEEN for letter in text)


class RecipeError(Exception):
    """An error with a message for the user: where, found, expected, what to do next."""

    exit_code = 1


class UsageError(RecipeError):
    """The request itself is wrong; nothing was started."""

    exit_code = 2


class StageFailed(RecipeError):
    """A stage stopped with an error; everything finished before it is kept."""


class NodeLost(StageFailed):
    """A machine that the stage cannot do without does not answer any more."""
