"""What the kinds have against a composed recipe, all at once, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipeline.errors import UsageError
from pipeline.graph import Graph
from pipeline.kinds import Problem

Problems = Mapping[str, list[Problem]]
NAMED = 3  # stages beside the first of which the same is said


def problems(graph: Graph) -> Problems:
    """The problems of every stage that has any, by stage."""
    checked = {
        name: list(one.kind.check(one)) for name, one in graph.stages.items() if one.kind.check
    }
    return {name: found for name, found in checked.items() if found}


def refuse(found: Problems) -> None:
    """Raise one UsageError of every problem that stands in the way of a plan."""
    _raise(lines(found, when_run=False))


def refuse_to_run(found: Problems, stages: Collection[str]) -> None:
    """Raise one UsageError of what only stands in the way of running these stages."""
    wrong = {name: own for name, own in found.items() if name in stages}
    _raise(lines(wrong, when_run=True))


def lines(found: Problems, when_run: bool = False, only_said: bool = False) -> list[str]:
    """The problems of one sort as text, each with its full key; what stages share is said once."""
    stages: dict[tuple[str, str], list[str]] = {}
    for name, own in found.items():
        for problem in own:
            if (problem.when_run, problem.only_said) == (when_run, only_said):
                stages.setdefault((problem.key, problem.text), []).append(name)
    return [
        f"stages.{first}.{key}: {text}{_also(more)}"
        for (key, text), (first, *more) in stages.items()
    ]


def _also(stages: list[str]) -> str:
    """The other stages of which the same is said."""
    if not stages:
        return ""
    more = f" and {len(stages) - NAMED} more" if len(stages) > NAMED else ""
    return f" (so in {', '.join(stages[:NAMED])}{more})"


def _raise(texts: list[str]) -> None:
    if len(texts) == 1:
        raise UsageError(texts[0])
    if texts:
        listed = "\n".join(f"  {text}" for text in texts)
        raise UsageError(f"{len(texts)} things cannot work as they are set:\n{listed}")
