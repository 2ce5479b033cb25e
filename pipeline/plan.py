"""What is to be done: a pure function from the graph and what the store holds.

done      the artifact is there and verified
resume    a work directory of an earlier attempt is there
run       from the start
running   another process holds the stage's lease
failed    it failed in this run (or, for `r1 status`, in its last attempt)
blocked   an input failed, is absent and was not asked for, or is refused by its kind's gate
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pipeline import lease
from pipeline.artifact import Artifact
from pipeline.attempts import Attempts
from pipeline.digests import Digests
from pipeline.graph import Graph, Selection
from pipeline.identity import InputIdentity, config_identity, digest_of, identity
from pipeline.kinds import Stage
from pipeline.manifest import CorruptArtifact
from pipeline.seeds import plain
from pipeline.store import Store


class State(StrEnum):
    DONE = "done"
    RUN = "run"
    RESUME = "resume"
    RUNNING = "running"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Wanted:
    """The result that the config asks of a stage: its identity and the fingerprint of it."""

    fingerprint: str
    identity: Mapping[str, Any]
    inputs: tuple[InputIdentity, ...]


@dataclass(frozen=True)
class StageFacts:
    """What the store holds of one wanted result."""

    artifact: Artifact | None = None
    adoptable: bool = False
    worked_on: bool = False
    holder: str | None = None
    failure: str | None = None
    corrupt: str | None = None

    @property
    def done(self) -> bool:
        return self.artifact is not None or self.adoptable


@dataclass(frozen=True)
class Decision:
    """The state of one stage, and the reason when there is one to give."""

    state: State
    reason: str = ""


def wanted(graph: Graph, digests: Digests) -> dict[str, Wanted]:
    """The wanted result of every stage, inputs first."""
    results: dict[str, Wanted] = {}
    for name, stage in graph.stages.items():
        results[name] = _wanted(stage, results, digests, graph.edges)
    return results


def look(store: Store, stage: str, fingerprint: str) -> StageFacts:
    """The facts about one wanted result; a corrupt artifact counts as absent, with the reason."""
    artifact, corrupt = None, None
    try:
        artifact = store.find(stage, fingerprint)
    except CorruptArtifact as error:
        corrupt = str(error)
    work = store.work(stage, fingerprint)
    holder = lease.holder(store.lease(stage, fingerprint))
    return StageFacts(
        artifact=artifact,
        adoptable=artifact is None and store.adoptable(stage, fingerprint) is not None,
        worked_on=work.is_dir() and any(work.iterdir()),
        holder=str(holder) if holder else None,
        failure=Attempts(work).failure(),
        corrupt=corrupt,
    )


def decide(
    graph: Graph,
    selection: Selection,
    facts: Mapping[str, StageFacts],
    failed: Mapping[str, str] | None = None,
) -> dict[str, Decision]:
    """The state of every selected stage. `failed` are the failures to count, by stage."""
    decisions: dict[str, Decision] = {}
    for name in selection.stages:
        decisions[name] = _decide(name, graph, selection, facts, failed or {}, decisions)
    return decisions


def absent_inputs(
    graph: Graph, selection: Selection, facts: Mapping[str, StageFacts]
) -> dict[str, list[str]]:
    """Inputs that `only=` needs and does not run: stage → inputs that are not there."""
    absent = {
        name: [i for i in graph.inputs(name) if i not in selection.stages and not facts[i].done]
        for name in selection.stages
        if not facts[name].done
    }
    return {name: inputs for name, inputs in absent.items() if inputs}


def refused(stage: Stage, artifact: Artifact) -> str:
    """Why other stages may not use a finished result, by its kind's gate; empty if they may."""
    problems = stage.kind.gate(stage, artifact.facts) if stage.kind.gate else ()
    key = f"stages.{plain(stage.name)}"
    return "; ".join(f"{key}.{problem.key} {problem.text}" for problem in problems)


def with_failures(facts: Mapping[str, StageFacts]) -> dict[str, str]:
    """The failures of earlier attempts that no later attempt has mended."""
    return {name: f.failure for name, f in facts.items() if f.failure and not f.done}


def now_done(facts: StageFacts, artifact: Artifact) -> StageFacts:
    """The facts after a stage was published."""
    return replace(facts, artifact=artifact, holder=None, failure=None, worked_on=False)


def _wanted(
    stage: Stage, results: Mapping[str, Wanted], digests: Digests, edges: Iterable[str]
) -> Wanted:
    own = config_identity(stage.config, tuple(edges))
    inputs = tuple(
        InputIdentity(edge.name, edge.stage, results[edge.stage].fingerprint)
        for edge in stage.edges
    )
    files = {key: digests.of_tree(path) for key, path in own.files.items()}
    counted = [i for i in inputs if stage.kind.edges[i.edge].identity]
    document = identity(stage.kind.name, stage.kind.version, own.config, counted, files)
    return Wanted(digest_of(document), document, inputs)


def _decide(
    name: str,
    graph: Graph,
    selection: Selection,
    facts: Mapping[str, StageFacts],
    failed: Mapping[str, str],
    before: Mapping[str, Decision],
) -> Decision:
    own = facts[name]
    if own.done:
        return Decision(State.DONE, "" if own.artifact else "to be adopted")
    if own.holder:
        return Decision(State.RUNNING, own.holder)
    if name in failed:
        return Decision(State.FAILED, failed[name])
    for source in graph.inputs(name):
        decided = before.get(source)
        if decided and decided.state in (State.FAILED, State.BLOCKED):
            return Decision(State.BLOCKED, f"needs {source}, which is {decided.state}")
        if decided is None and not facts[source].done:
            return Decision(State.BLOCKED, f"needs {source}, which is not there")
        made = facts[source].artifact
        if made and (reason := refused(graph.stages[source], made)):
            return Decision(State.BLOCKED, f"may not use {source}: {reason}")
    if own.worked_on:
        return Decision(State.RESUME, own.corrupt or "")
    return Decision(State.RUN, own.corrupt or "")
