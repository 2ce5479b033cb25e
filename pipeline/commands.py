"""The verbs that look and do not run: plan, status, why, report, gc."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline import checks, lease
from pipeline.compose import Composed
from pipeline.errors import UsageError
from pipeline.graph import did_you_mean
from pipeline.notices import held_out, kept
from pipeline.plan import Decision, State, decide, with_failures
from pipeline.progress import clock
from pipeline.project import Project, load
from pipeline.run_folder import REPORT_FACTS, RunFolder
from pipeline.situation import Situation, survey
from pipeline.tracking import delivery
from pipeline.why import why as explain

UNSENT_SHOWN = 3  # of the newest runs that MLflow does not hold whole


def plan(project: Project, composed: Composed, as_json: bool) -> int:
    """What `r1 run` would do: states, edges, derived numbers, warnings."""
    situation = survey(project, composed)
    decisions = decide(situation.graph, situation.selection, situation.facts)
    if as_json:
        print(json.dumps({"stages": rows(situation, decisions)}, indent=1))
        return 0
    for row in rows(situation, decisions):
        _print_stage(row, decisions[row["stage"]])
        edges = situation.graph.nodes[row["stage"]].edges
        if edges:
            print(f"    ← {', '.join(f'{edge.stage} ({edge.name})' for edge in edges)}")
        if numbers := derived(situation, row["stage"]):
            print("    " + " · ".join(map(_named, numbers.items())))
    done = sum(d.state is State.DONE for d in decisions.values())
    print(f"{len(decisions)} stages: {done} done, {len(decisions) - done} to run")
    warnings = [f"{text}; `r1 run` refuses it" for text in checks.lines(situation.problems, True)]
    warnings += checks.lines(situation.problems, only_said=True)
    for warning in (*warnings, *source_warnings(situation)):
        print(f"warning: {warning}")
    situation.store.save_caches()
    return 0


def status(project: Project, composed: Composed, as_json: bool) -> int:
    """How every stage stands, failures and running stages included."""
    situation = survey(project, composed)
    failed = with_failures(situation.facts)
    decisions = decide(situation.graph, situation.selection, situation.facts, failed)
    if as_json:
        print(json.dumps({"stages": rows(situation, decisions)}, indent=1))
        return 0
    for row in rows(situation, decisions):
        _print_stage(row, decisions[row["stage"]])
        artifact = situation.facts[row["stage"]].artifact
        if artifact and (words := held_out(artifact.facts)):
            print(f"    held out: {words}")
        for warning in kept(artifact.facts) if artifact else ():
            print(f"    warned: {warning}")
    for run, words in islice(delivery.unsent(situation.paths.runs), UNSENT_SHOWN):
        print(f"MLflow, {run}: {words}")
    return 0


def why(project: Project, composed: Composed, stage: str, as_json: bool) -> int:
    """What changed since the latest result of a stage."""
    situation = survey(project, composed)
    if stage not in situation.graph.nodes:
        raise UsageError(
            f"why {stage}: no such stage. {did_you_mean(stage, situation.graph.nodes)}"
        )
    facts = situation.facts[stage]
    reason = explain(stage, situation.graph, situation.wanted, situation.store)
    if as_json:
        print(json.dumps({"done": facts.done, **reason.as_dict()}, indent=1))
    elif facts.done:
        where = facts.artifact.path if facts.artifact else "to be adopted"
        print(f"{stage} is done: {where}")
    elif facts.corrupt:
        print(f"{stage} is made again because its artifact is corrupt: {facts.corrupt}")
    else:
        print("\n".join(reason.lines()))
    return 0


def report(project: Project, composed: Composed, as_json: bool) -> int:
    """Build the report again, from the manifests alone."""
    situation = survey(project, composed)
    if project.report is None:
        raise UsageError("this project has no report")
    artifacts = {n: f.artifact for n, f in situation.facts.items() if f.artifact is not None}
    runs, name = situation.paths.runs, composed.name
    folder = RunFolder.latest(runs, name) or RunFolder.create(runs, name, composed.root)
    path: Path = load(project.report)(artifacts, composed.root, folder.report, folder.facts())
    print((path.parent / REPORT_FACTS).read_text() if as_json else path)
    return 0


def gc(project: Project, composed: Composed, delete: bool) -> int:
    """List, or delete, what the current recipe does not reach."""
    situation = survey(project, composed)
    folders = [path for path in _unreachable(situation) if path.exists()]
    total = 0
    for path in folders:
        size = sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
        total += size
        print(f"{size / 2**20:10.1f} MiB  {path}")
        if delete:
            shutil.rmtree(path)
    verb = "deleted" if delete else "would be deleted (give --delete to do it)"
    print(f"{len(folders)} folders, {total / 2**20:.1f} MiB {verb}")
    return 0


def rows(situation: Situation, decisions: Mapping[str, Decision]) -> list[dict[str, Any]]:
    """One row per stage, as `--json` prints them."""
    return [
        {
            "stage": name,
            "kind": situation.graph.nodes[name].kind.name,
            "state": str(decision.state),
            "fingerprint": situation.wanted[name].fingerprint,
            "artifact": _artifact(situation, name),
            "seconds": _seconds(situation, name),
        }
        for name, decision in decisions.items()
    ]


def derived(situation: Situation, stage: str) -> dict[str, Any]:
    """The numbers that follow from a stage's config and from its finished inputs."""
    kind = situation.graph.nodes[stage].kind
    if kind.derive is None:
        return {}
    inputs = {
        source: artifact
        for source in situation.graph.inputs(stage)
        if (artifact := situation.facts[source].artifact) is not None
    }
    numbers: dict[str, Any] = load(kind.derive)(situation.composed.root["stages"][stage], inputs)
    return numbers


def _named(number: tuple[str, int | str]) -> str:
    name, value = number
    return f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"


def source_warnings(situation: Situation) -> list[str]:
    """Finished stages, but for what ships, whose code changed since, under the same version."""
    changed: dict[str, list[str]] = {}
    for name in situation.selection.stages:
        artifact, kind = situation.facts[name].artifact, situation.graph.nodes[name].kind
        if artifact is None or situation.store.ships(artifact.fingerprint):
            continue
        if artifact.manifest["code"]["sources"] != situation.store.sources.digest(kind):
            changed.setdefault(kind.name, []).append(name)
    return [
        f"the code of kind `{kind}` changed since {', '.join(stages)} ran, its version did not; "
        "raise `version` in the registry of kinds if results change"
        for kind, stages in changed.items()
    ]


def _unreachable(situation: Situation) -> list[Path]:
    wanted = {(name, w.fingerprint) for name, w in situation.wanted.items()}
    store = situation.store
    found = [path for stage, made, path in store.artifacts() if (stage, made) not in wanted]
    for path in sorted((store.root / ".work").glob("*/*")):
        stage, made = path.parent.name, path.name
        if (stage, made) not in wanted and lease.holder(store.lease(stage, made)) is None:
            found.append(path)
    fingerprints = {made for _, made in wanted}
    shared = sorted(store.shared.glob("*"))
    found += [path for path in shared if path.name not in fingerprints]
    return found + sorted((store.root / ".corrupt").glob("*"))


def _artifact(situation: Situation, name: str) -> str | None:
    artifact = situation.facts[name].artifact
    return str(artifact.path) if artifact else None


def _seconds(situation: Situation, name: str) -> float | None:
    artifact = situation.facts[name].artifact
    return float(artifact.manifest["seconds"]) if artifact else None


def _print_stage(row: Mapping[str, Any], decision: Decision) -> None:
    reason = f"  {decision.reason}" if decision.reason else ""
    words = f"{row['stage']:24} {row['kind']:13} {row['state']:8} {row['fingerprint']}"
    print(f"{words} {clock(row['seconds']):>8}{reason}")
