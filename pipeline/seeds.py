"""A recipe for several seeds as one graph.

`seeds=[0,1,2]` composes the recipe for each seed as `seed=` does and puts them together. A stage
whose config is the same for all, and so is what it takes, is there once. Of the others the first
seed's keep their names; those of another are called `zero@1`. The part behind the @ orders the
graph and is shown to people: a stage's config, and its result in the store, say `zero`, so that a
result of `seed=1` is one of `seeds=[0,1]`, and the other way round.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pipeline.errors import UsageError

KEY, ONE = "seeds", "seed"
_AT = "@"

Found = TypeVar("Found")


def plain(name: str) -> str:
    """What a stage is called without its seed: in configs, in the store, in what it writes."""
    return name.partition(_AT)[0]


def read(root: Mapping[str, Any]) -> list[int]:
    """The seeds of a config that was composed."""
    return list(root.get(KEY) or [root[ONE]])


def named(name: str, seed: int) -> str:
    """What a stage of the recipe is called for a seed that is not the first."""
    return f"{name}{_AT}{seed}"


def of_seed(name: str, seed: int, stages: Collection[str]) -> str:
    """What a stage of the recipe is called for a seed that is not the first, or for all."""
    own = named(name, seed)
    return own if own in stages else name


def taken_from(stage: str, source: str, stages: Collection[str]) -> str:
    """What an edge of a stage leads to whose config names `source`: that of the same seed."""
    _, at, seed = stage.partition(_AT)
    own = f"{source}{at}{seed}"
    return own if own in stages else source


def of_each(
    found: Mapping[str, Found], seeds: Sequence[int], stages: Collection[str]
) -> dict[int, dict[str, Found]]:
    """What was found of a recipe's stages, for each seed: by their names without the seed."""
    return {
        seed: {
            plain(name): one
            for name, one in found.items()
            if name == of_seed(plain(name), seed, stages)
        }
        for seed in seeds
    }


def asked_for(named: Any, stages: Collection[str]) -> Any:
    """Stages that the command line names, with those of the other seeds; of null, null."""
    if not named:
        return named
    names = [named] if isinstance(named, str) else list(named)
    found: list[str] = []
    for name in names:
        own = [stage for stage in stages if name in (stage, plain(stage))]
        found += own or [name]
    return found


def asked_by(root: Mapping[str, Any], overrides: Sequence[str]) -> list[int]:
    """The seeds that a config asks for; those of one run with `seed=` are that one.

    Raises UsageError for what is no list of different whole numbers, and for both keys at once.
    """
    seeds: Any = root.get(KEY)
    if seeds is None:
        return [root[ONE]]
    good = isinstance(seeds, list) and seeds and all(type(seed) is int for seed in seeds)
    if not good or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise UsageError(
            f"{KEY}: found {seeds!r}, expected different whole numbers from 0 on: {KEY}=[0,1,2]"
        )
    if any(override.partition("=")[0] == ONE for override in overrides):
        raise UsageError(f"{ONE}= and {KEY}= exclude each other: give one of them.")
    return list(seeds)


def together(composed: Mapping[int, Mapping[str, Any]], edges: Collection[str]) -> dict[str, Any]:
    """The stages of all seeds in one recipe. composed: the stage configs of each, by seed."""
    first, *others = composed.values()
    found = dict(first)
    for seed, stages in zip(list(composed)[1:], others, strict=True):
        for name in _of_its_own(first, stages, edges):
            found[named(name, seed)] = stages[name]
    return found


def _of_its_own(
    first: Mapping[str, Any], stages: Mapping[str, Any], edges: Collection[str]
) -> list[str]:
    """The stages that another seed changes, by their config or by what they take."""
    changed = {name for name, stage in stages.items() if stage != first[name]}
    while True:
        more = {
            name
            for name, stage in stages.items()
            if name not in changed and changed & set(_sources(stage, edges))
        }
        if not more:
            return [name for name in stages if name in changed]
        changed |= more


def _sources(stage: Any, edges: Iterable[str]) -> Iterable[str]:
    for edge in edges:
        value = getattr(stage, edge, None)
        yield from [value] if isinstance(value, str) else value or ()
