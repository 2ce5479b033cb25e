"""Prompts of `conf/prompt` as texts: read, checked, their blanks filled in. No torch here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.kinds import Problem

if TYPE_CHECKING:
    from stages.settings.prompts import Prompt

OTHERS = "en"  # the text for languages that have none


def texts(prompt: Prompt, key: str) -> dict[str, str]:
    """The texts of a prompt by language, of its file where it names one."""
    found = dict(_problems(prompt, key))
    if found:
        raise UsageError("\n".join(f"{where}: {what}" for where, what in found.items()))
    return _texts(prompt)


def problems(prompt: Prompt, key: str) -> Iterator[Problem]:
    """What a prompt lacks, for the check of a kind; key: below the stage."""
    for where, what in _problems(prompt, key):
        yield Problem(where, what)


def fill(found: Mapping[str, str], language: str, parts: Mapping[str, str]) -> str:
    """The text of a language, or of OTHERS, with its blanks filled in; braces of parts stay."""
    text = found.get(language, found[OTHERS])
    names = "|".join(map(re.escape, parts))
    return re.sub(rf"\{{({names})\}}", lambda blank: parts[blank[1]], text)


def _problems(prompt: Prompt, key: str) -> Iterator[tuple[str, str]]:
    if prompt.file is not None and not Path(prompt.file).expanduser().is_file():
        yield f"{key}.file", f"is {prompt.file}, and there is no such file: name a text file"
        return
    found = _texts(prompt)
    if OTHERS not in found:
        yield (
            f"{key}.text",
            f"has {sorted(found)}, and `{OTHERS}` is asked where no other is: add it",
        )
    for language, text in found.items():
        if lacking := [name for name in prompt.blanks if f"{{{name}}}" not in text]:
            where = f"{key}.file" if prompt.file else f"{key}.text.{language}"
            blanks = ", ".join(f"{{{name}}}" for name in lacking)
            yield where, f"lacks {blanks}, which is filled in there: write it where it belongs"


def _texts(prompt: Prompt) -> dict[str, str]:
    if prompt.file is None:
        return dict(prompt.text)
    # The line break that ends a file's last line is no part of its text.
    return {OTHERS: Path(prompt.file).expanduser().read_text().removesuffix("\n")}
