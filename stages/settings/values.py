"""What single values of a config cannot be, whichever kind of stage has them. No torch here.

The stages refuse the same when they are called without a recipe (`refuse`), so what `r1 plan` says
and what a notebook is told is one text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pipeline.errors import UsageError
from pipeline.kinds import Problem

DOMAINS = ("math", "code", "stem", "logic", "general")
SPLITS = ("train", "heldout")
#: Of samples, in stages/sampling/filters.py and resemblance.py.
FILTERS = (
    "never_ends_thinking",
    "truncated",
    "wrong",
    "cannot_judge",
    "malformed",
    "mixed_language",
    "long_paragraph",
    "code_block",
    "repetition",
    "duplicate",
    "near_duplicate",
)
#: How a data set's rows are read, in stages/rows/formats.
FORMATS = (
    "gsm8k",
    "math500",
    "mgsm",
    "cmath",
    "math",
    "aime",
    "amc",
    "olymmath",
    "minerva",
    "middle_school",
    "mmlu",
    "mmlu_stem",
    "mmlu_pro",
    "gpqa",
    "ceval",
    "agieval",
    "humaneval",
    "mbpp",
    "ifeval",
    "bbh",
    "knights_knaves",
    "game24",
    "countdown",
    "arc_agi_1",
    "constraints",
    "problems",
)
#: How other people's pairs and labels are read, in stages/judging/pair_formats.py.
PREFERENCE_FORMATS = ("helpsteer3", "chosen_rejected", "cvalues")
LABEL_FORMATS = ("safety_guard", "cvalues", "kto")
FALLBACK = "en"  # its word stands in for languages that have none: s1 says "Wait" in all of them
TINY, MODEL = "tiny", "model"
FIXED, ADAPTIVE = STRATEGIES = ("fixed", "adaptive")
RAW = (
    "is null, so samples are learnt as they are: nobody puts their thoughts into the question's "
    "language, and they have no summary but what the model wrote"
)


def refuse(found: Iterable[Problem], key: str) -> None:
    """Raise for what stands against a stage's config; key: of the stage."""
    if said := [f"{key}.{one.key}: {one.text}" for one in found if not one.only_said]:
        raise UsageError("\n".join(said))


def one_of(key: str, value: Any, known: Collection[str]) -> Iterator[Problem]:
    """A word that there is."""
    if value not in known:
        yield Problem(key, f"is {value!r}: expected one of {', '.join(known)}")


def filters(key: str, names: Iterable[str]) -> Iterator[Problem]:
    """Filters of samples that there are."""
    if unknown := [name for name in names if name not in FILTERS]:
        yield Problem(key, f"has {', '.join(unknown)}: expected any of {', '.join(FILTERS)}")


def where(conditions: Mapping[str, Any]) -> Iterator[Problem]:
    """Which rows of a file are read, by its own columns."""
    if conditions:
        from stages.rows.where import wrong  # what reads rows takes its time

        yield from (Problem(f"where.{column}", text) for column, text in wrong(conditions))


def at_least(config: Any, least: float, *keys: str, below: str = "") -> Iterator[Problem]:
    """Numbers that are not lower; null is none. below: the key of the config that has them."""
    for name in keys:
        value = getattr(config, name)
        if value is not None and value < least:
            key = f"{below}.{name}" if below else name
            yield Problem(key, f"is {value:g}: set it to {least:g} or more")


def positive(config: Any, *keys: str) -> Iterator[Problem]:
    """Counts of which there must be one at least."""
    for key in keys:
        if getattr(config, key) <= 0:
            yield Problem(key, f"is {getattr(config, key):g}: set it to 1 or more")


def counts(key: str, numbers: Mapping[str, int], known: Collection[str]) -> Iterator[Problem]:
    """How many rows of what: of something that there is, none fewer than no rows."""
    if unknown := [name for name in numbers if name not in known]:
        yield Problem(key, f"has {', '.join(unknown)}: expected any of {', '.join(known)}")
    if negative := [name for name, number in numbers.items() if number < 0]:
        yield Problem(f"{key}.{negative[0]}", f"is {numbers[negative[0]]}: set it to 0 or more")
