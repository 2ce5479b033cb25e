"""Responses that follow an instruction's constraints and say nothing.

They repeat the prompt, give back the constraint's own words, or fill the form: one word, one letter
or one sentence over and over, in as many lines, bullets, sections or paragraphs as are asked for.
The last are the self-check's own witnesses, alone and behind the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stages.verifiers.instruction import witness

_TIMES = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)
_FILLERS = ("word", "a", "yes", "This is a sentence.", "好")
_GAPS = (" ", "\n", "\n\n", "\n* ", "\n***\n", ". ", "\n******\n")
_DRESSES = (
    str,
    str.lower,
    str.upper,
    str.title,
    '"{}"'.format,
    "<<title>>\n{}".format,
    "{}\nP.S. ok".format,
)


def answers(question: str, reference: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    """Texts for one row; none of them looks at what is asked beyond its constraints."""
    words = " ".join(text for text in _words(metadata) if text.lower() in question.lower())
    made = witness("", metadata) or ""
    for text in (question, f"{question}\n{question}", f"Sure: {question}", words, made):
        yield from (dress(text) for dress in _DRESSES)
    yield f"{question}\n{words}"
    yield f"{question}\n{made}"
    yield " ".join(sorted(question.split()))
    for filler in _FILLERS:
        for gap in _GAPS:
            yield from (gap.join([filler] * times) for times in _TIMES)
        yield from (f"{filler} {' '.join([words] * times)} {filler}" for times in _TIMES[:6])


def _words(value: Any) -> Iterator[str]:
    """Every text in the metadata."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        parts = value.values() if isinstance(value, Mapping) else value
        for part in parts:
            yield from _words(part)
