"""What single values of a config cannot be, whichever kind of stage has them. No torch here.

The stages refuse the same when they are called without a recipe (`refuse`), so what `r1 plan` says
and what a notebook is told is one text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from pipeline.errors import UsageError
from pipeline.kinds import Problem
from stages.configs import Rollout, Sampling, Verifiers
from stages.verifiers.answer import policy_of

ENGINES = ("transformers", "vllm")
SERVER = "server"  # the engine of a served model alone
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


def at_least(config: Any, least: float, *keys: str, below: str = "") -> Iterator[Problem]:
    """Numbers that are not lower; null is none. below: the key of the config that has them."""
    for name in keys:
        value = getattr(config, name)
        if value is not None and value < least:
            key = f"{below}.{name}" if below else name
            yield Problem(key, f"is {value:g}: set it to {least:g} or more")


def sampling(config: Sampling, key: str = "sampling") -> Iterator[Problem]:
    """A way of drawing that there is; a temperature of 0 takes the likeliest token."""
    yield from at_least(config, 0, "temperature", "top_k", below=key)
    yield from at_least(config, 1, "max_tokens", below=key)
    if not 0 < config.top_p <= 1:
        yield Problem(f"{key}.top_p", f"is {config.top_p:g}: set it above 0, up to 1")


def rollout(config: Rollout, served: bool = False) -> Iterator[Problem]:
    """An engine that there is, and that is installed here. served: it asks a server."""
    key = "rollout.engine"
    yield from one_of(key, config.engine, (SERVER,) if served else ENGINES)
    yield from at_least(config, 1, "batch_tokens", "shard_samples", below="rollout")
    if config.engine == "vllm" and find_spec("vllm") is None:
        yield Problem(
            key,
            "is `vllm`, which is not installed here: `make vllm` (or pip install "
            "'r1-recipe[vllm]'), or set rollout=transformers",
            when_run=True,
        )


def verifiers(config: Verifiers) -> Iterator[Problem]:
    """A policy by which answers can be read, and somebody to read them."""
    try:
        policy_of(config)
    except UsageError as error:
        key, _, text = str(error).partition(": ")
        yield Problem(key, text)
    yield from at_least(config, 1, "workers", below="verifiers")
    if config.seconds <= 0:
        yield Problem("verifiers.seconds", f"is {config.seconds:g}: set it above 0, e.g. 5")


def counts(key: str, numbers: Mapping[str, int], known: Collection[str]) -> Iterator[Problem]:
    """How many rows of what: of something that there is, none fewer than no rows."""
    if unknown := [name for name in numbers if name not in known]:
        yield Problem(key, f"has {', '.join(unknown)}: expected any of {', '.join(known)}")
    if negative := [name for name, number in numbers.items() if number < 0]:
        yield Problem(f"{key}.{negative[0]}", f"is {numbers[negative[0]]}: set it to 0 or more")


def models(found: Iterable[str], most: int = 1, least: int = 0) -> Iterator[Problem]:
    """How many of the stages on data_from make a model."""
    names = list(found)
    if not least <= len(names) <= most:
        wanted = "exactly one model" if least else "at most one model"
        named = ", ".join(names) or "none"
        yield Problem("data_from", f"names {named}, and the stage takes {wanted}")
