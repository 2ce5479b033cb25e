"""Programs that a data set brings: which of them are Python 3, and how alike two are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stages.verifiers.code_program import check_syntax

LARGEST = 20_000  # characters of a program that is looked at
_FENCE = re.compile(r"\s*```[\w+]*\n(.*?)\n?```\s*", re.DOTALL)


def first_program(sources: Iterable[str]) -> str:
    """The first source that is Python, without a fence around it; "" where none is."""
    return next(filter(None, map(python_in, sources)), "")


def python_in(source: object) -> str:
    """A source without a fence around it; "" where it is no Python or too long."""
    if not isinstance(source, str):
        return ""
    fenced = _FENCE.fullmatch(source)
    program = (fenced[1] if fenced else source).strip()
    return "" if len(program) > LARGEST or not program or check_syntax(program) else program


def closest(wrong: Sequence[str], right: Sequence[str]) -> tuple[str, str] | None:
    """The wrong program and the right one that share most lines; None where there are no two."""
    known = {"".join(program.split()) for program in right}
    told = [program for program in wrong if "".join(program.split()) not in known]
    found = [(_shared(one, other), one, other) for one in told for other in right]
    return max(found, key=lambda pair: pair[0])[1:] if found else None


def _shared(one: str, other: str) -> float:
    """The share of lines that stand in both."""
    lines, others = set(one.splitlines()), set(other.splitlines())
    return len(lines & others) / max(len(lines), len(others))
