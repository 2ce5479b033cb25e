"""Tables of what training left behind: reward models against their gates, computation spent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from stages.report.evidence import Curve, Evidence, Missing
from stages.report.tables import NONE, number, table

Stages = Mapping[str, Mapping[str, Any]]  # the resolved config of each

#: What a reward model is asked on held-out rows → its title, and the key of the stage's gate.
ASKED = {
    "accuracy": ("accuracy", "min_accuracy"),
    "calibration": ("calibration error", "max_calibration_error"),
    "length_bias": ("score with length, correlation", "max_length_bias"),
    "own_accuracy": ("own samples, right over wrong", "min_own_accuracy"),
    "best_of_gain": ("own samples, best less a random one", "min_best_of_gain"),
}


def reward_models(artifacts: Mapping[str, Artifact], stages: Stages) -> str:
    """What each was on rows that it never saw, with the gate that it had to pass, if any."""
    head = ["reward model", "reads", "held-out rows", *(title for title, _ in ASKED.values())]
    rows = [
        [
            name,
            str(artifact.facts.get("scores", NONE)),
            str(artifact.facts.get("n", NONE)),
            *(
                _asked(artifact.facts.get(fact), stages.get(name, {}).get(key), key)
                for fact, (_, key) in ASKED.items()
            ),
        ]
        for name, artifact in artifacts.items()
        if artifact.type == "reward_model"
    ]
    return table(head, rows) if rows else ""


def validation(artifacts: Mapping[str, Artifact]) -> str:
    """The policy on held-out problems while RL trained; empty where no stage had any."""
    found = {
        name: a.facts["validation"] for name, a in artifacts.items() if a.facts.get("validation")
    }
    rows = [
        [
            name,
            f"{facts['problems']} × {facts['samples_per_problem']}",
            number(facts["first"]["accuracy"]),
            f"{number(facts['best']['accuracy'])} (step {facts['best']['step']:.0f})",
            f"{number(facts['last']['accuracy'])} (step {facts['last']['step']:.0f})",
            number(facts["last"].get("cons_at_k")),
        ]
        for name, facts in found.items()
    ]
    head = ["held out, per cent", "problems × samples", "first", "best", "last", "cons@k, last"]
    return table(head, rows) if rows else ""


#: What a policy is watched by beside its reward, and every term of the reward.
WATCHED = ("entropy", "kl")
TERM = "reward/"


def rewards(evidence: Evidence, share: float) -> str:
    """Every term of the reward, entropy and KL of each RL stage: the first and the last steps.

    share: of the steps that are averaged at either end.
    """
    curves = {}
    for stage, artifact in evidence.artifacts.items():
        if artifact.type == "model":
            try:
                curves[stage] = evidence.curve(stage)
            except Missing:
                continue
    curves = {stage: curve for stage, curve in curves.items() if curve.logged("reward")}
    names = [name for curve in curves.values() for name in curve.names(TERM)]
    columns = ["reward", *sorted(set(names)), *WATCHED]
    rows = [
        [stage, *(_ends(curve, name, share) for name in columns)] for stage, curve in curves.items()
    ]
    if not rows:
        return ""
    how = (
        f"Each cell is the mean of the first {100 * share:g} % of the steps that have the value → "
        "that of the last. Terms are told before their weights; the reward is what the policy was "
        "given. Entropy and KL are in nats a token."
    )
    return f"{table(['', *columns], rows)}\n\n{how}"


def _ends(curve: Curve, name: str, share: float) -> str:
    values = curve.series(name)[1]
    if not len(values):
        return NONE
    count = max(1, round(share * len(values)))
    return f"{values[:count].mean():.3f} → {values[-count:].mean():.3f}"


def weights(artifacts: Mapping[str, Artifact], folder: Path) -> str:
    """The folder of each model, as a link from the report in `folder`."""
    rows = []
    for name, artifact in artifacts.items():
        if artifact.type == "model":
            path = os.path.relpath(artifact.model_path.absolute(), folder.absolute())
            rows.append([name, f"[{path}]({path})"])
    return table(["stage", "folder, seen from this report"], rows) if rows else ""


def computation(artifacts: Mapping[str, Artifact], stages: Stages) -> str:
    """What each training cost; beside a control, the share of the budget that it was given."""
    rows = [
        [
            name,
            str(artifact.manifest["kind"]),
            f"{cost['parameters']:,}",
            f"{cost['tokens']:,}",
            f"{cost['flops']:.2e}",
            _share(cost, stages.get(name, {}).get("compute_as"), artifacts),
        ]
        for name, artifact in artifacts.items()
        if (cost := artifact.facts.get("compute"))
    ]
    head = ["stage", "kind", "parameters", "tokens", "operations", "budget"]
    how = (
        "Operations are counted per parameter and token: 2 to read or say it, 4 to learn it, 2 of "
        "a teacher or reference. What a stage saves is not taken off, and what sampled its data is "
        "not added."
    )
    return f"{table(head, rows)}\n\n{how}" if rows else ""


def _share(cost: Mapping[str, Any], other: str | None, artifacts: Mapping[str, Artifact]) -> str:
    budget = artifacts[other].facts.get("compute") if other and other in artifacts else None
    if not budget:
        return NONE
    return f"{100 * cost['flops'] / budget['flops']:.0f} % of {other}"


def _asked(value: float | None, gate: float | None, key: str) -> str:
    found = NONE if value is None else f"{value:.3f}"
    return found if gate is None else f"{found} ({key} {gate:g})"
