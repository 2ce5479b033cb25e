"""`r1 doctor --cluster`: a cluster looked at before anything is queued.

What it offers is held against what every selected stage would ask; then a probe runs as a real job,
begun as stages are, on as many nodes as the largest gang has. Exit code 1: something is wrong.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline import disk
from pipeline.compose import Composed
from pipeline.errors import RecipeError, UsageError
from pipeline.launchers.probe import page
from pipeline.launchers.probe.asking import Asking, Report
from pipeline.launchers.probe.examined import Asked, Cluster, Offer, Party, Visit
from pipeline.launchers.probe.findings import Finding, findings
from pipeline.limits import limits_of
from pipeline.manifest import versions
from pipeline.project import Project, load
from pipeline.situation import Situation, survey

#: By `launcher.name`: the function `examine(situation, limits) -> Cluster`.
CLUSTERS = {
    "slurm": "pipeline.launchers.slurm.examine:examine",
    "ray": "pipeline.launchers.ray.opening:examine",
}
_TICK = 0.05  # seconds between looks at the folder: as much is unsure of the clocks
_ENDS = 360.0  # seconds in which a probe that has begun ends
_ARRIVES = 10.0  # seconds in which the last report of a job that has ended is seen


@dataclass
class Probed:
    """A party, and what came of it."""

    party: Party
    name: str = ""
    reports: dict[int, Report] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)


def main(project: Project, composed: Composed, as_json: bool, minutes: float) -> int:
    """Look, and show it. minutes: that a probe may wait for its nodes. Returns the exit code."""
    wanted = composed.root.get("launcher") or {}
    if (name := wanted.get("name", "local")) not in CLUSTERS:
        raise UsageError(
            f"doctor --cluster: launcher={name} runs stages on this machine alone. Say which "
            f"cluster: launcher={' or launcher='.join(CLUSTERS)}, or a file of yours over it."
        )
    situation = survey(project, composed)
    disk.require_writable(situation.store.root, "paths.store")
    disk.require_writable(situation.paths.runs.absolute(), "paths.runs")
    cluster: Cluster = load(CLUSTERS[name])(situation, limits_of(wanted))
    say: Callable[[str], None] = (lambda _: None) if as_json else page.say
    offers, asked = cluster.offers(), cluster.asked()
    say(page.offers(offers))
    say(page.asked(asked))
    probed = [_probe(situation, cluster, party, minutes * 60, say) for party in cluster.parties()]
    found = [*_before(situation, asked), *(one for each in probed for one in each.found)]
    if as_json:
        print(json.dumps(_plain(offers, asked, probed, found), indent=1, ensure_ascii=False))
    else:
        say(page.found(found))
    return 1 if any(one.wrong for one in found) else 0


def _before(situation: Situation, asked: Sequence[Asked]) -> list[Finding]:
    """What is known without a probe."""
    refused: dict[str, list[str]] = {}
    for one in asked:
        if one.refused:
            refused.setdefault(one.refused, []).append(one.stage)
    found = [Finding(page.names(stages), why) for why, stages in refused.items()]
    cautions = situation.project.cautions
    texts = load(cautions)(situation, situation.selection.stages) if cautions else ()
    return found + [Finding("forecast", text, wrong=False) for text in texts]


def _probe(
    situation: Situation,
    cluster: Cluster,
    party: Party,
    patience: float,
    say: Callable[[str], None],
) -> Probed:
    """Have a party looked at, and wait for it; Ctrl-C cancels it."""
    asking = Asking(situation.store.root, _needed(situation), situation.project.reach)
    probed = Probed(party)
    try:
        try:
            visit = cluster.visit(party, asking.folder)
        except RecipeError as error:
            probed.found.append(Finding(party.where, f"the probe is refused: {error}"))
            return probed
        probed.name = visit.name
        say(f"\nprobe: {visit.name}, {party.where}, nodes: {party.nodes}")
        try:
            late = _wait(asking, visit, patience, say)
        finally:
            visit.stop()
        _collect(probed, asking, visit, late)
    finally:
        wrong = any(one.wrong for one in probed.found)
        asking.close(keep=wrong)
    if probed.reports:
        say(page.nodes(list(probed.reports.values())))
    if wrong:
        say(f"what was written and printed: {asking.folder}")
    return probed


def _needed(situation: Situation) -> dict[str, str]:
    """What nodes must see beside the store, by key."""
    environment = situation.composed.root["launcher"].get("environment_file")
    found = {"paths.runs": situation.paths.runs}
    found |= {"launcher.environment_file": Path(environment).expanduser()} if environment else {}
    return {key: str(path.absolute()) for key, path in found.items()}


def _wait(asking: Asking, visit: Visit, patience: float, say: Callable[[str], None]) -> str:
    """Until the probe has ended; empty, or why that is not waited for."""
    told, asked, began = "", time.monotonic(), 0.0
    while not visit.ended:
        asking.answer()
        try:
            visit.look()
        except RecipeError as error:
            say(str(error))
        waits = visit.waits_for
        if waits and waits != told:
            say(waits)
            told = waits
        now = time.monotonic()
        began = 0.0 if waits else began or now
        if waits and now - asked > patience:
            return (
                f"the probe did not begin within {patience / 60:g} minutes: {waits}. Stages would "
                "wait as well. To wait longer: --wait MINUTES"
            )
        if began and now - began > _ENDS:
            return f"the probe did not end within {_ENDS:.0f} s: a node hangs"
        time.sleep(_TICK)
    return ""


def _collect(probed: Probed, asking: Asking, visit: Visit, late: str) -> None:
    deadline = time.monotonic() + _ARRIVES
    while True:
        printed = visit.printed()
        probed.reports = asking.reports(printed)
        done = sum(report.get("done", False) for report in probed.reports.values())
        if late or done >= probed.party.nodes or time.monotonic() > deadline:
            break
        time.sleep(_TICK)
    if late:
        open_ = [one["name"] for one in probed.reports.values() if not one.get("done")]
        whose = f" ({', '.join(open_)})" if open_ else ""
        probed.found.append(Finding(probed.party.where, f"{late}{whose}"))
    if not late or probed.reports:
        probed.found += findings(probed.party, probed.reports, printed, versions())


def _plain(
    offers: Sequence[Offer],
    asked: Sequence[Asked],
    probed: Sequence[Probed],
    found: Sequence[Finding],
) -> dict[str, Any]:
    return {
        "offers": [asdict(one) for one in offers],
        "asked": [asdict(one) for one in asked],
        "probes": [
            asdict(one.party) | {"name": one.name, "nodes_seen": list(one.reports.values())}
            for one in probed
        ],
        "findings": [asdict(one) for one in found],
    }
