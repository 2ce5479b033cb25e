"""Why a stage has to run: the wanted identity against the nearest result of the same stage.

The nearest is the one from which the fewest keys differ, those of the inputs counted; of several,
the latest. Differences are named by dotted key, old → new. A changed input is followed to what
changed in it, so that `r1 why r1` ends at the one number in `base` that moved everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.errors import UsageError
from pipeline.identity import InputIdentity
from pipeline.plan import Wanted
from pipeline.seeds import plain
from pipeline.store import Store

_ABSENT = "absent"
_LONGEST = 60  # letters of a value in the text; prompts and lists are longer
_BEFORE = 15  # letters before the first difference, where values are cut


@dataclass(frozen=True)
class Change:
    """One difference between two identities."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        old, new = _cut(str(self.old), str(self.new))
        return f"{self.key}: {old} → {new}"


@dataclass(frozen=True)
class Why:
    """What differs from an earlier result; `previous` is None when there is none.

    others: earlier results that are there as well and lie further off.
    """

    stage: str
    fingerprint: str
    previous: str | None
    changes: list[Change] = field(default_factory=list)
    inputs: list[Why] = field(default_factory=list)
    others: int = 0

    def distance(self) -> int:
        """How many keys differ, in this stage and in the inputs that changed, each once."""
        reasons: dict[tuple[str, str | None], Why] = {}
        self._collect(reasons)
        return sum(len(why.changes) or not why.inputs for why in reasons.values())

    def _collect(self, reasons: dict[tuple[str, str | None], Why]) -> None:
        if (self.stage, self.previous) not in reasons:
            reasons[self.stage, self.previous] = self
            for source in self.inputs:
                source._collect(reasons)

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
        more = f" (the nearest of {self.others + 1} results)" if self.others else ""
        yield f"{indent}{self.stage}: {self.previous} → {self.fingerprint}{more}"
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


def why(stage: str, results: Mapping[str, Wanted], store: Store, against: str | None = None) -> Why:
    """How the wanted result of a stage differs from the nearest other one.

    against: the fingerprint of another one to compare with, or how it begins; raises UsageError
    where that is not one result of the stage.
    """
    wanted = results[stage].fingerprint
    others = store.other_manifests(stage, but=wanted)
    if against is not None:
        others = [_named(stage, against, others)]
    if not others:
        return Why(stage, wanted, None)
    comparison = _Comparison(results, store)
    nearest = min((comparison.of(stage, manifest) for manifest in others), key=Why.distance)
    return replace(nearest, others=len(others) - 1)


def _named(stage: str, against: str, others: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found = [m for m in others if str(m["fingerprint"]).startswith(against)]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{m['fingerprint']} ({str(m['created'])[:16]})" for m in others) or "none"
    raise UsageError(
        f"why {stage} --against {against}: {len(found) or 'no'} other results of {stage} begin so. "
        f"There are: {there}."
    )


class _Comparison:
    """Compares wanted results with earlier ones, each pair once."""

    def __init__(self, results: Mapping[str, Wanted], store: Store) -> None:
        self._results = results
        self._store = store
        self._known: dict[tuple[str, str], Why] = {}

    def of(self, stage: str, previous: Mapping[str, Any]) -> Why:
        """What differs between an earlier result and the wanted one."""
        key = stage, str(previous["fingerprint"])
        if key not in self._known:
            self._known[key] = self._compared(stage, previous)
        return self._known[key]

    def _compared(self, stage: str, previous: Mapping[str, Any]) -> Why:
        want = self._results[stage]
        old, new = previous["identity"], want.identity
        before = _counted([InputIdentity(**i) for i in previous["inputs"]], old)
        now = _counted(want.inputs, new)
        changes = [
            Change(key, old[key], new[key]) for key in ("kind", "version") if old[key] != new[key]
        ]
        changes += _differences(old["config"], new["config"], "")
        changes += _differences(old["files"], new["files"], "content of ")
        changes += _moved(before, now)
        causes = list(self._changed_inputs(before, now))
        return Why(stage, want.fingerprint, str(previous["fingerprint"]), changes, causes)

    def _changed_inputs(
        self, before: Sequence[InputIdentity], now: Sequence[InputIdentity]
    ) -> Iterator[Why]:
        """What changed in the inputs that both have."""
        earlier = {i.stage: i.fingerprint for i in before}
        for source in {i.stage: i for i in now}.values():
            made = earlier.get(plain(source.stage))
            if made is not None and made != source.fingerprint:
                manifest = self._store.manifest(source.stage, made)
                if manifest is None:
                    yield Why(source.stage, source.fingerprint, made)
                else:
                    yield self.of(source.stage, manifest)


def _moved(before: Sequence[InputIdentity], now: Sequence[InputIdentity]) -> list[Change]:
    """Edges that came, went or go elsewhere now."""
    edges = dict.fromkeys(i.edge for i in (*before, *now))
    sides = {
        edge: [[plain(i.stage) for i in side if i.edge == edge] for side in (before, now)]
        for edge in edges
    }
    return [Change(edge, were, are) for edge, (were, are) in sides.items() if were != are]


def _counted(inputs: Sequence[InputIdentity], document: Mapping[str, Any]) -> list[InputIdentity]:
    """The inputs on edges that are part of the identity."""
    edges = {i["edge"] for i in document["inputs"]}
    return [i for i in inputs if i.edge in edges]


def _cut(old: str, new: str) -> tuple[str, str]:
    """Two values; long ones from shortly before they differ. `--json` has them whole."""
    if max(len(old), len(new)) <= _LONGEST:
        return old, new
    pairs = enumerate(zip(old, new, strict=False))
    same = next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))
    start = max(0, same - _BEFORE)
    return _from(old, start), _from(new, start)


def _from(text: str, start: int) -> str:
    end = start + _LONGEST
    head, tail = "…" if start else "", "…" if len(text) > end else ""
    return f"{head}{' '.join(text[start:end].split())}{tail}"


def _differences(old: Any, new: Any, key: str) -> list[Change]:
    """The leaves that differ, by dotted key."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: list[Change] = []
        for name in dict.fromkeys((*old, *new)):
            path = f"{key}.{name}" if key and not key.endswith(" ") else f"{key}{name}"
            found += _differences(old.get(name, _ABSENT), new.get(name, _ABSENT), path)
        return found
    return [] if old == new and type(old) is type(new) else [Change(key, old, new)]
