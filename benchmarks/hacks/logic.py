"""Knights and knaves, yes and no, without thinking."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SAYS = re.compile(
    r"\b(?:says?|said|told you(?: that)?|claimed|claims|asserts|asserted|states|stated|noted"
    r"|remarked|commented|expressed|mentioned|declared|was heard saying|that)\b[,:]?|说",
    re.IGNORECASE,
)

POLICIES = (
    "yes",
    "no",
    "yes or no",
    "yes, no",
    "all knights",
    "all knaves",
    "nobody is either",
    "the first is the only knight",
    "all but the first are knights",
    "the first is the only knave",
    "all but the first are knaves",
    "both roles for each",
    "each is the only knight",
    "each T and F",
    "the question",
    "its last line",
    "the statements",
    "the statements, line by line",
)
GUESSES = (
    "yes",
    "no",
    "all knights",
    "all knaves",
    "the first is the only knight",
    "all but the first are knights",
    "the first is the only knave",
    "all but the first are knaves",
)


def answers(question: str, reference: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    """One word or one role for everyone, both of each, and the puzzle's own statements."""
    yield "yes"
    yield "no"
    yield "yes or no"
    yield "Yes, no."
    yield "Everyone is a knight."
    yield "Everyone is a knave."
    yield "Nobody is a knave, nobody is a knight."
    names = metadata.get("names", ["Ann", "Bob"])
    for role in ("knight", "knave"):
        yield f"{names[0]} is the only {role}."
        yield f"All but {names[0]} are {role}s."
    yield ", ".join(f"{name}: knight/knave" for name in names)
    yield ", ".join(f"{name} is the only knight" for name in names)
    yield ", ".join(f"{name}=T, {name}=F" for name in names)
    yield question
    yield question.rpartition("\n")[2]
    yield _SAYS.sub("", question)
    yield "\n".join(_SAYS.sub(":", line) for line in re.split(r"(?<=[.。])", question))
