"""What the reward of an RL stage can have set wrong: terms that cannot score, or never act."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.kinds import Problem, Stage
from stages.kinds.dataset.kind import DatasetConfig
from stages.kinds.problems.kind import ProblemsConfig
from stages.kinds.rl.config import RewardTerm, RLConfig
from stages.rewards.schedule import PREFERENCE_TERMS, TERMS, steps_of


def check(stage: Stage) -> Iterator[Problem]:
    """Every term of the reward against the stage's inputs and its length."""
    config: RLConfig = stage.config
    acting = [term for term in config.rewards.values() if term.weight]
    if not acting:
        yield Problem("rewards", "has no term with a weight: give it one, e.g. {accuracy: {}}")
    declared, queries = declared_domains(stage), declared_queries(stage)
    yield from _domains(config, declared)
    domains = declared & set(config.domains) if declared and config.domains else declared
    for name, term in config.rewards.items():
        key = f"rewards.{name}"
        yield from _name(stage, name, key)
        yield from _span(term, config.max_steps, key)
        yield from list(_rows(term, domains, key)) or _queries(stage, name, term, queries)
    for domain, start in config.prompts_start.items():
        yield from _prompts(domain, start, config.max_steps, domains)


def declared_domains(stage: Stage) -> frozenset[str] | None:
    """The domains of the problems that a stage gets; None where only their rows can tell."""
    found: set[str] = set()
    for source in stage.inputs["data_from"]:
        if source.kind.produces != "problems":
            continue
        own = getattr(source.config, "per_domain", None)
        domains = declared_domains(source) if source.inputs["data_from"] else own
        if domains is None:
            return None
        found.update(domains)
    return frozenset(found)


def _domains(config: RLConfig, declared: frozenset[str] | None) -> Iterator[Problem]:
    """Some of the domains that are trained on must be there; all need not."""
    if declared and config.domains and not declared & set(config.domains):
        yield Problem(
            "domains",
            f"is {config.domains}, and no problem of data_from is of these: they are of "
            f"{', '.join(sorted(declared))}; set it to some of those, or [] for all",
        )


def declared_queries(stage: Stage) -> frozenset[str] | None:
    """Which reward models the general queries are for, by what their data sets declare.

    None where only the rows can tell: those of a file may say it each for itself.
    """
    found: set[str] = set()
    for source in stage.inputs["data_from"]:
        if source.kind.produces != "problems":
            continue
        own = declared_queries(source) if source.inputs["data_from"] else _own_queries(source)
        if own is None:
            return None
        found.update(own)
    return frozenset(found)


def _own_queries(source: Stage) -> frozenset[str] | None:
    config = source.config
    if isinstance(config, ProblemsConfig):  # the tiny world has both kinds
        return frozenset(PREFERENCE_TERMS if "general" in config.per_domain else ())
    if not isinstance(config, DatasetConfig):
        return frozenset()
    if config.preference is not None:
        return frozenset({config.preference})
    return None if config.format == "problems" else frozenset()


def _queries(
    stage: Stage, name: str, term: RewardTerm, queries: frozenset[str] | None
) -> Iterator[Problem]:
    """A reward model scores queries of its own kind only (3.1): there must be some."""
    if name in PREFERENCE_TERMS and term.weight and queries is not None and name not in queries:
        there = f"of the kind {', '.join(sorted(queries))} alone" if queries else "of neither kind"
        yield Problem(
            f"rewards.{name}",
            f"scores {name} queries only, and what data_from gives is {there}: set `preference: "
            f"{name}` of the data set that has them, name one that has on data_from, or take the "
            f"term out with `~stages.{stage.name}.rewards.{name}`",
        )


def _name(stage: Stage, name: str, key: str) -> Iterator[Problem]:
    if name not in TERMS:
        yield Problem(key, f"there is no such term of the reward; there are {', '.join(TERMS)}")
    reads = PREFERENCE_TERMS.get(name)
    models = stage.inputs["score_with"]
    if reads and reads not in [getattr(model.config, "scores", None) for model in models]:
        yield Problem(
            key,
            f"needs a reward model that scores `{reads}`, and none on score_with does "
            f"({', '.join(model.name for model in models) or 'there is none'}): name one there, or "
            f"take the term out with `~stages.{stage.name}.{key}`",
        )


def _span(term: RewardTerm, steps: int, key: str) -> Iterator[Problem]:
    try:
        start, stop = steps_of(term.start, steps), steps_of(term.stop, steps)
    except ValueError as error:
        yield Problem(key, f"{error}")
        return
    if isinstance(term.start, int) and term.start >= steps:
        yield Problem(
            f"{key}.start",
            f"is step {start}, and the run has {steps}, so the term never acts: set it to a "
            "fraction of the steps, e.g. 0.75, or take the term out",
        )
    elif start is not None and stop is not None and stop <= start:
        yield Problem(
            f"{key}.stop", f"is step {stop}, not after {key}.start, step {start}: set it to null"
        )


def _prompts(
    domain: str, start: Any, steps: int, domains: frozenset[str] | None
) -> Iterator[Problem]:
    key = f"prompts_start.{domain}"
    try:
        first = steps_of(start, steps) or 0
    except ValueError as error:
        yield Problem(key, f"{error}")
        return
    if isinstance(start, int) and first >= steps:
        yield Problem(
            key,
            f"is step {first}, and the run has {steps}, so these prompts are never asked: set it "
            "to a fraction of the steps, e.g. 0.75, or take the domain out of data_from",
        )
    if domains and domain not in domains:
        yield Problem(
            key,
            f"no problem of data_from is of this domain: they are of {', '.join(sorted(domains))}; "
            "name one of those, or take the key out with `~`",
        )


def _rows(term: RewardTerm, domains: frozenset[str] | None, key: str) -> Iterator[Problem]:
    if domains and term.domains and not domains & set(term.domains):
        yield Problem(
            f"{key}.domains",
            f"is {term.domains}, and no problem of data_from is of these: they are of "
            f"{', '.join(sorted(domains))}; set it to some of those, or [] for all",
        )
