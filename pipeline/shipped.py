"""Results that ship, and that other settings leave unused: what making them anew costs."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Collection, Mapping
from typing import Any

from pipeline.manifest import CorruptArtifact, read
from pipeline.progress import clock
from pipeline.situation import Situation


def made_anew(situation: Situation, stages: Collection[str]) -> str:
    """What is to be said of those of these stages that ship as other settings made them.

    The time is that of the manifests that ship, and so that of the machine where they were made.
    """
    shipped = {
        name: manifest
        for name in stages
        if not situation.facts[name].done and (manifest := _ships_otherwise(situation, name))
    }
    if not shipped:
        return ""
    seconds = sum(float(manifest["seconds"]) for manifest in shipped.values())
    cores = {(manifest.get("host") or {}).get("cores") for manifest in shipped.values()} - {None}
    machine = f" on {cores.pop()} cores" if len(cores) == 1 else ""
    why = shlex.join(["r1", "why", next(iter(shipped)), *situation.composed.overrides])
    return (
        f"{', '.join(shipped)}: what ships was made with other settings (see `{why}`), so it is "
        f"made anew. It took {clock(seconds)}{machine}"
    )


def _ships_otherwise(situation: Situation, stage: str) -> Mapping[str, Any] | None:
    """The manifest of a result of this stage and kind that ships under another fingerprint."""
    kind = situation.graph.stages[stage].kind.name
    for root in situation.store.adopt_from:
        for path in sorted((root / stage).glob("*/manifest.json")):
            with contextlib.suppress(CorruptArtifact):
                manifest = read(path.parent)
                if manifest["kind"] == kind:
                    return manifest
    return None
