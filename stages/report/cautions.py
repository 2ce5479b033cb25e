"""What the numbers of a report do not say, and on what they were made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pipeline.notices import kept
from stages.report.evidence import Evidence, Missing
from stages.report.page import Page


def machine(manifest: Mapping[str, Any]) -> str:
    host = manifest.get("host") or {}
    if not host:
        return ""
    device = host.get("device", "cpu")
    gpu = "" if device == "cpu" else f", {device}"
    return f"{host.get('cpu', 'unknown CPU')}, {host.get('cores', '?')} cores{gpu}"


def commit(manifest: Mapping[str, Any]) -> str:
    code = manifest.get("code") or {}
    return str(code.get("commit") or "")  # ends in + with changes that are not committed


def short(commit: str) -> str:
    """A commit as git shortens it, with the + of changes that were not committed."""
    return commit[:10] + ("+" if commit.endswith("+") and len(commit) > 10 else "")


def care(page: Page) -> str:
    """What these numbers do not say; the data-dependent warnings first."""
    expected = dict.fromkeys([*page.shown["stages"], *page.shown["controls"]])
    absent = [stage for stage in expected if stage not in page.facts["stages"]]
    notes = []
    if absent:
        notes.append(f"Not run or not evaluated: {', '.join(absent)}.")
    for stage, estimates in page.facts["stages"].items():
        cut = estimates.get("truncation", {}).get("value") or 0.0
        if cut > page.shown["warn_truncation"]:
            notes.append(f"{stage}: {100 * cut:.0f} % of its completions hit the length limit.")
    notes += [*_not_finite(page), *_several(page)]
    for stage, artifact in page.artifacts.items():
        notes += [f"{stage} warned: {text}." for text in kept(artifact.facts)]
    notes += [
        "Intervals come from resampling problems (or blocks of RL steps) of one run with one seed. "
        "How much another seed of training would move a result is not in them.",
        "A claim is a list of checks that must all hold; nothing is corrected for their number.",
        "cons@k exists for problems whose answers can be voted on; the claims compare it on these.",
        "Curves show the prompts of each step, which change; held-out numbers are in the tables.",
        "Small models on generated problems show that a mechanism works, not how strong it is at "
        "the paper's size. The paper's rows measure other things than ours and are shown for their "
        "shape.",
    ]
    return "\n".join(f"- {note}" for note in notes)


def _not_finite(page: Page) -> Iterator[str]:
    """Curves with values that are no numbers: figures leave these out, so they are told here."""
    evidence = Evidence(page.artifacts)
    for stage in page.artifacts:
        try:
            curve = evidence.curve(stage)
        except Missing:
            continue
        for metric in curve.names(""):
            steps, values = curve.series(metric)
            if metric != "step" and (bad := steps[~np.isfinite(values)]).size:
                where = f"at {bad.size} steps, from {bad[0]} on"
                yield f"{stage}: {metric} is not a finite number {where}."


def _several(page: Page) -> Iterator[str]:
    """Results of other machines or other code beside each other."""
    manifests = [artifact.manifest for artifact in page.artifacts.values()]
    for what, said in (("machines", machine), ("commits", commit)):
        found = sorted({said(manifest) for manifest in manifests} - {""})
        if len(found) > 1:
            yield f"These results were made by {len(found)} {what}: {'; '.join(found)}."
