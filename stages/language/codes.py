"""The languages that rows may name: codes, as the language reward knows them."""

from __future__ import annotations

from typing import Any

from stages.language.consistency import TARGETS, primary
from stages.rows.files import BadRow

UNKNOWN = "und"  # ISO 639: nobody knows
_NAMES = {
    "english": "en", "chinese": "zh", "mandarin": "zh", "中文": "zh", "英文": "en", "英语": "en",
    "german": "de", "french": "fr", "spanish": "es", "russian": "ru", "japanese": "ja",
    "korean": "ko", "portuguese": "pt", "italian": "it", "arabic": "ar",
}  # fmt: skip


def code_of(value: Any, where: str) -> str:
    """A language as it stands in a row or a config; raises BadRow for what is no code.

    A name or another value would be kept, and no thought in it ever scored.
    """
    if not isinstance(value, str) or not is_code(value):
        raise BadRow(f"{where} {why_no_code(value)}")
    return value.strip()


def known_code(value: Any) -> str | None:
    """The code of a language that other people name by code or by name; None: nobody knows it."""
    if not isinstance(value, str):
        return None
    return primary(value) if is_code(value) else _NAMES.get(value.strip().lower())


def is_code(value: str) -> bool:
    """Whether the language reward knows it: `en`, `zh-Hant`, `pt_BR`."""
    return primary(value) in (*TARGETS, UNKNOWN)


def why_no_code(value: Any) -> str:
    """What is wrong with a language, and what it may be meant as."""
    known = _NAMES.get(str(value).strip().lower())
    meant = f"; `{known}` may be meant" if known else ""
    return (
        f"is {value!r:.80}, expected a code (ISO 639-1) that the language reward knows, such as "
        f"`en` or `zh`{meant}. There are: {', '.join(TARGETS)}"
    )
