"""Why a stage has to run: the wanted identity against the latest result of the same stage.

Differences are named by dotted key, old → new. A changed input is followed to what changed in it,
so that `r1 why r1` ends at the one number in `base` that moved everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.graph import Graph
from pipeline.identity import InputIdentity
from pipeline.plan import Wanted
from pipeline.store import Store

_ABSENT = "absent"


@dataclass(frozen=True)
class Change:
    """One difference between two identities."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key}: {self.old} → {self.new}"


@dataclass(frozen=True)
class Why:
    """What differs from an earlier result; `previous` is None when there is none."""

    stage: str
    fingerprint: str
    previous: str | None
    changes: list[Change] = field(default_factory=list)
    inputs: list[Why] = field(default_factory=list)

    def lines(self, indent: str = "", told: set[str] | None = None) -> Iterator[str]:
        """The reasons as text, inputs indented below the stage that they change."""
        told = set() if told is None else told
        if self.previous is None:
            yield f"{indent}{self.stage} {self.fingerprint}: never made before"
            return
        if self.stage in told:
            yield f"{indent}{self.stage}: see above"
            return
        told.add(self.stage)
        yield f"{indent}{self.stage}: {self.previous} → {self.fingerprint}"
        for change in self.changes:
            yield f"{indent}  {change}"
        for source in self.inputs:
            yield from source.lines(indent + "  ", told)

    def as_dict(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "fingerprint": self.fingerprint,
            "previous": self.previous,
            "changes": [{"key": c.key, "old": c.old, "new": c.new} for c in self.changes],
            "inputs": [source.as_dict() for source in self.inputs],
        }


def why(stage: str, graph: Graph, results: Mapping[str, Wanted], store: Store) -> Why:
    """How the wanted result of a stage differs from the most recent other one."""
    previous = store.latest_manifest(stage, but=results[stage].fingerprint)
    return _compare(stage, previous, results, store)


def _compare(
    stage: str, previous: Mapping[str, Any] | None, results: Mapping[str, Wanted], store: Store
) -> Why:
    want = results[stage]
    if previous is None:
        return Why(stage, want.fingerprint, None)
    old, new = previous["identity"], want.identity
    before = _counted([InputIdentity(**i) for i in previous["inputs"]], old)
    changes = [
        Change(key, old[key], new[key]) for key in ("kind", "version") if old[key] != new[key]
    ]
    changes += _differences(old["config"], new["config"], "")
    changes += _differences(old["files"], new["files"], "content of ")
    causes = list(_input_changes(before, _counted(want.inputs, new), results, store, changes))
    return Why(stage, want.fingerprint, str(previous["fingerprint"]), changes, causes)


def _input_changes(
    before: Sequence[InputIdentity],
    now: Sequence[InputIdentity],
    results: Mapping[str, Wanted],
    store: Store,
    changes: list[Change],
) -> Iterator[Why]:
    """Follow inputs that changed; edges that came, went or moved are changes of their own."""
    old = [(i.edge, i.stage) for i in before]
    new = [(i.edge, i.stage) for i in now]
    for edge in dict.fromkeys(name for name, _ in (*old, *new)):
        were = [stage for name, stage in old if name == edge]
        are = [stage for name, stage in new if name == edge]
        if were != are:
            changes.append(Change(edge, were, are))
    earlier = {i.stage: i.fingerprint for i in before}
    for source in {i.stage: i for i in now}.values():
        made = earlier.get(source.stage)
        if made is not None and made != source.fingerprint:
            manifest = store.manifest(source.stage, made)
            if manifest is None:
                yield Why(source.stage, source.fingerprint, made)
            else:
                yield _compare(source.stage, manifest, results, store)


def _counted(inputs: Sequence[InputIdentity], document: Mapping[str, Any]) -> list[InputIdentity]:
    """The inputs on edges that are part of the identity."""
    edges = {i["edge"] for i in document["inputs"]}
    return [i for i in inputs if i.edge in edges]


def _differences(old: Any, new: Any, key: str) -> list[Change]:
    """The leaves that differ, by dotted key."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: list[Change] = []
        for name in dict.fromkeys((*old, *new)):
            path = f"{key}.{name}" if key and not key.endswith(" ") else f"{key}{name}"
            found += _differences(old.get(name, _ABSENT), new.get(name, _ABSENT), path)
        return found
    return [] if old == new and type(old) is type(new) else [Change(key, old, new)]
