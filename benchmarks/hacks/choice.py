"""Multiple choice without choosing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stages.verifiers.option_labels import LETTERS

POLICIES = (
    "always the first",
    "all joined",
    "all with /",
    "all with +",
    "both and",
    "line by line",
    "all with or",
    "each with a reason",
    "each as the answer",
    "the first, others right too",
    "all of them",
    "the question",
    "the options",
)
GUESSES = ("always the first",)


def answers(question: str, reference: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    """One letter always, several at once, hedges, all options and the question itself."""
    options = metadata.get("options", 4)
    labels = LETTERS[: options if isinstance(options, int) else len(options)]
    yield labels[0]
    yield "".join(labels)
    yield "/".join(labels)
    yield " + ".join(labels)
    yield "both " + " and ".join(labels)
    yield "\n".join(labels)
    yield " or ".join(labels)
    yield "; ".join(f"{label} because the others are wrong" for label in labels)
    yield "\n".join(f"The answer is {label}." for label in labels)
    yield f"{labels[0]}\n\nExplanation: {', '.join(labels[1:])} are right too"
    yield "all of them"
    yield question
    yield question.rpartition("\n\n")[2]
