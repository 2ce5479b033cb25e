"""Words of the command line as Hydra reads them: KEY=VALUE, where a value may be any text.

Hydra's grammar knows few characters outside quotes: a path with `=`, `#`, `~`, a bracket or Chinese
in it is an error of its lexer. Such a value is one text, and gets its quotes here.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from pipeline.errors import UsageError

_STRUCTURED = ("[", "{", "(", "'", '"', "${")  # the user means more than a text


def readable(words: Sequence[str]) -> list[str]:
    """The overrides with quotes where Hydra needs them. Raises UsageError for what is none."""
    _require_settings(words)
    return quoted(words)


def quoted(words: Sequence[str]) -> list[str]:
    """The same words; only values that Hydra cannot read have quotes."""
    return [_readable(word) for word in words]


def parsed(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Parse a verb's words; settings that were given as options are shown as settings."""
    options, unknown = parser.parse_known_intermixed_args(words)
    if not unknown:
        return options
    option = unknown[0]
    name, given, value = option.lstrip("-").partition("=")
    if not given:
        after = words[words.index(option) + 1 :]
        value = after[0] if after and not after[0].startswith("-") and "=" not in after[0] else "…"
    raise UsageError(
        f"`{option}` is no option of `{parser.prog}` (see `{parser.prog} --help`). Settings are "
        f"given without dashes: `{name.replace('-', '_')}={value}`"
    )


def _require_settings(words: Sequence[str]) -> None:
    for at, word in enumerate(words):
        if word.startswith("~") or ("=" in word and not word.startswith("=")):
            continue
        after = words[at + 1 : at + 3]
        if after and after[0].startswith("="):
            torn = [word, *(after if after[0] == "=" else after[:1])]
        else:
            torn = [words[at - 1], word] if at and words[at - 1].endswith("=") else []
        if torn:
            raise UsageError(f"no spaces around the `=` of a setting: write `{''.join(torn)}`")
        raise UsageError(f"`{word}`: a setting is given as KEY=VALUE, e.g. `seed=1`")


def _readable(word: str) -> str:
    key, given, value = word.partition("=")
    if _is_read(word) or not given or value.startswith(_STRUCTURED):
        return word
    better = f"{key}={_quoted(value)}"
    return better if _is_read(better) else word


def _is_read(word: str) -> bool:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    return True


def _quoted(value: str) -> str:
    from hydra.core.override_parser.types import Quote, QuotedString

    if value.startswith("~/"):  # no shell reads it in the middle of a word
        value = os.path.expanduser(value)
    return QuotedString(value, Quote.single).with_quotes()
