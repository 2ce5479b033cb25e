"""The verbs that look and do not run: status, why, report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.compose import Composed
from pipeline.errors import UsageError
from pipeline.graph import did_you_mean
from pipeline.launchers.jobs import jobs
from pipeline.launchers.slurm.look import JobRow
from pipeline.notices import kept
from pipeline.plan import decide, with_failures
from pipeline.project import Project, load
from pipeline.run_folder import REPORT_FACTS, RunFolder, named
from pipeline.seeds import plain
from pipeline.situation import Situation, paths_of, survey
from pipeline.stage_rows import INDENT, filled, rows, stage_lines
from pipeline.tracking import delivery
from pipeline.why import why as explain

UNSENT_SHOWN = 3  # of the newest runs that MLflow does not hold whole


def status(project: Project, composed: Composed, as_json: bool) -> int:
    """How every stage stands, failures and running stages included."""
    situation = survey(project, composed)
    failed = with_failures(situation.facts)
    decisions = decide(situation.graph, situation.selection, situation.facts, failed)
    scheduled = _jobs(situation)
    if as_json:
        told = [row | _job(scheduled.get(row["stage"])) for row in rows(situation, decisions)]
        print(json.dumps({"stages": told}, indent=1))
        return 0
    said = project.said()
    for row in rows(situation, decisions):
        print("\n".join(stage_lines(row, decisions[row["stage"]].reason)))
        if job := scheduled.get(row["stage"]):
            print(f"{INDENT}{job.words()}")
        artifact = situation.facts[row["stage"]].artifact
        if artifact and (line := said.line(artifact.facts)):
            print(f"{INDENT}{line}")
        for warning in kept(artifact.facts) if artifact else ():
            print("\n".join(filled([warning], "", f"{INDENT}warned: ")))
    for run, words in islice(delivery.unsent(situation.paths.runs), UNSENT_SHOWN):
        print(f"MLflow, {run}: {words}")
    return 0


def _jobs(situation: Situation) -> dict[str, JobRow]:
    """What a scheduler has in hand for this recipe, by stage."""
    by_place = {(job.stage, job.fingerprint): job for job in jobs(situation.store.root)}
    return {
        name: job
        for name, wanted in situation.wanted.items()
        if (job := by_place.get((plain(name), wanted.fingerprint)))
    }


def _job(job: JobRow | None) -> dict[str, Any]:
    """What a row has more where a scheduler has the stage in hand."""
    if job is None:
        return {}
    told = {"id": job.id, "state": job.state, "node": job.node, "reason": job.reason}
    return {"job": told}


def why(
    project: Project, composed: Composed, stage: str, as_json: bool, against: str | None = None
) -> int:
    """What changed since the nearest result of a stage, or since the one that is named."""
    situation = survey(project, composed)
    if stage not in situation.graph.stages:
        raise UsageError(
            f"why {stage}: no such stage. {did_you_mean(stage, situation.graph.stages)}"
        )
    facts = situation.facts[stage]
    reason = explain(stage, situation.wanted, situation.store, against)
    if as_json:
        print(json.dumps({"done": facts.done, **reason.as_dict()}, indent=1))
    elif facts.done:
        source = situation.store.adoptable(stage, situation.wanted[stage].fingerprint)
        where = facts.artifact.path if facts.artifact else f"to be adopted from {source}"
        print(f"{stage} is done: {where}")
        if against:
            print("\n".join(reason.lines()))
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
    runs, config = situation.paths.runs, composed.root
    folder = RunFolder.latest(runs, config) or RunFolder.create(runs, composed.name, config)
    told = folder.facts() | {
        "closing": project.last_words(artifacts, composed.root),
        "foreseen": project.told_before(situation.graph.stages, composed),
    }
    path: Path = load(project.report)(artifacts, composed.root, folder.report, told)
    print((path.parent / REPORT_FACTS).read_text() if as_json else path)
    return 0


def compare(project: Project, composed: Composed, names: Sequence[str], as_json: bool) -> int:
    """Hold one run against another, from their folders and what is left of their results."""
    if project.comparison is None:
        raise UsageError("this project compares no runs")
    if len(names) != 2:
        raise UsageError(
            f"report {' '.join(names)}: two runs are compared, e.g. `r1 report RUN latest`. "
            "Settings are given as KEY=VALUE."
        )
    runs = paths_of(composed.root, project.conf_dir().parent).runs
    old, new = (named(runs, name) for name in names)
    path: Path = load(project.comparison)(old, new, composed.root)
    print(path.with_suffix(".json").read_text() if as_json else path)
    return 0
