"""What a model goes back to, and what was found of it: read from the store's manifests alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.artifact import Artifact
from pipeline.errors import RecipeError
from pipeline.store import Store


@dataclass(frozen=True)
class Step:
    """One result that went into a model. manifest: None where the store has it no longer."""

    stage: str
    fingerprint: str
    used_by: tuple[str, ...]  # "stage (edge)"
    manifest: Mapping[str, Any] | None


@dataclass(frozen=True)
class Lineage:
    """weights: from the base to the model. others: all else that went in, the nearest first."""

    weights: tuple[Step, ...]
    others: tuple[Step, ...]
    evaluations: tuple[Artifact, ...]

    @classmethod
    def of(cls, artifact: Artifact, store: Store) -> Lineage:
        """Of a finished model, through its inputs' inputs."""
        steps = list(_steps(artifact, store))
        line = [steps[0].fingerprint]
        for step in steps:
            if step.fingerprint == line[-1]:
                line += [i["fingerprint"] for i in _inputs(step) if i["edge"] == "init_from"]
        weights = sorted(
            (step for step in steps if step.fingerprint in line),
            key=lambda step: -line.index(step.fingerprint),
        )
        others = tuple(step for step in steps if step.fingerprint not in line)
        return cls(tuple(weights), others, tuple(_evaluations(artifact, store)))

    @property
    def stages(self) -> set[str]:
        """The names of all stages that went in, the model's own included."""
        return {step.stage for step in (*self.weights, *self.others)}


def _steps(artifact: Artifact, store: Store) -> Iterator[Step]:
    """The model, then its inputs, breadth first, each once with all that use it."""
    manifests: dict[tuple[str, str], Mapping[str, Any] | None] = {}
    users: dict[tuple[str, str], list[str]] = {}
    waiting = [(artifact.stage, artifact.fingerprint)]
    users[waiting[0]] = []
    for key in waiting:
        manifests[key] = store.manifest(*key)
        for one in (manifests[key] or {}).get("inputs", ()):
            source = (str(one["stage"]), str(one["fingerprint"]))
            if source not in users:
                users[source] = []
                waiting.append(source)
            users[source].append(f"{key[0]} ({one['edge']})")
    for key, manifest in manifests.items():
        yield Step(*key, tuple(users[key]), manifest)


def _inputs(step: Step) -> list[Mapping[str, Any]]:
    return list((step.manifest or {}).get("inputs", ()))


def _evaluations(artifact: Artifact, store: Store) -> Iterator[Artifact]:
    """Every whole evaluation of this very model in the store, those of `r1 eval` too."""
    for stage, fingerprint, _ in store.artifacts():
        manifest = store.manifest(stage, fingerprint) or {}
        if manifest.get("type") != "evaluation":
            continue
        asked = {i["fingerprint"] for i in manifest["inputs"] if i["edge"] == "evaluates"}
        if artifact.fingerprint not in asked:
            continue
        try:
            found = store.find(stage, fingerprint)
        except RecipeError:
            continue
        if found is not None:
            yield found
