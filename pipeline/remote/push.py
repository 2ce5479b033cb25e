"""`r1 push [STAGE…]`: sends what `paths.publish` lacks of the finished results of this graph.

A result of which a half is there is completed; one that is there is not sent again. Exit code 1 if
any could not be sent, or nothing can be reached.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator, Sequence
from typing import Any

from rich.filesize import decimal

from pipeline.artifact import Artifact
from pipeline.compose import Composed
from pipeline.errors import RecipeError, UsageError
from pipeline.graph import did_you_mean
from pipeline.progress import clock
from pipeline.project import Project
from pipeline.remote.pace import aloud
from pipeline.remote.place import Place
from pipeline.remote.sender import FAILED
from pipeline.remote.sending import SENT, send
from pipeline.situation import Situation, survey


def push(project: Project, composed: Composed, stages: Sequence[str], as_json: bool) -> int:
    """Send the results of these stages, or of all that the config selects."""
    situation = survey(project, composed)
    place = situation.paths.publish
    if place is None:
        raise UsageError(
            "push: paths.publish has no value, so there is nowhere to send to. Set it, e.g. "
            "`r1 push paths.publish=s3://bucket/prefix`."
        )
    made = _finished(situation, stages)
    rows: list[dict[str, Any]] = []
    for name, artifact in made.items():
        away = bool(rows) and rows[-1]["state"] == FAILED
        rows.append(_failed(artifact, name, "not tried") if away else _sent(place, name, artifact))
        if not as_json:
            print(_line(rows[-1], place), flush=True)
    failed = [row["stage"] for row in rows if row["state"] == FAILED]
    if as_json:
        print(json.dumps({"url": str(place), "results": rows}, indent=1, ensure_ascii=False))
    else:
        absent = len(situation.selection.stages) - len(made) if not stages else 0
        rest = f" ({absent} of the stages: no result yet)" if absent else ""
        print(f"{len(made) - len(failed)} of {len(made)} results are at {place}{rest}")
    return 1 if failed else 0


def push_again(composed: Composed) -> str:
    """The command that sends what a run has not."""
    return shlex.join(["r1", "push", *composed.overrides])


def _finished(situation: Situation, stages: Sequence[str]) -> dict[str, Artifact]:
    nodes = situation.graph.stages
    for stage in stages:
        if stage not in nodes:
            raise UsageError(f"push {stage}: no such stage. {did_you_mean(stage, nodes)}")
        if situation.facts[stage].artifact is None:
            words = shlex.join(["r1", "run", f"until={stage}", *situation.composed.overrides])
            raise UsageError(f"push {stage}: it has no result with this config yet: {words}")
    found: Iterator[tuple[str, Artifact | None]] = (
        (name, situation.facts[name].artifact) for name in stages or situation.selection.stages
    )
    return {name: artifact for name, artifact in found if artifact is not None}


def _sent(place: Place, name: str, artifact: Artifact) -> dict[str, Any]:
    began = time.monotonic()
    try:
        sent = send(place, artifact, aloud)
    except RecipeError as error:
        return _failed(artifact, name, str(error))
    seconds = round(time.monotonic() - began, 2)
    how = {"state": sent.state, "bytes": sent.bytes, "seconds": seconds, "error": None}
    return {"stage": name, "fingerprint": artifact.fingerprint, **how}


def _failed(artifact: Artifact, name: str, error: str) -> dict[str, Any]:
    how = {"state": FAILED, "bytes": 0, "seconds": None, "error": error}
    return {"stage": name, "fingerprint": artifact.fingerprint, **how}


def _line(row: dict[str, Any], place: Place) -> str:
    if row["state"] == FAILED:
        return f"{row['stage']}: not sent, {row['error']}"
    if row["state"] == SENT:
        return f"{row['stage']}: sent, {decimal(row['bytes'])} in {clock(row['seconds'])}"
    return f"{row['stage']}: {row['state']}"
