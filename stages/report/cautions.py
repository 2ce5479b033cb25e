"""What the numbers of a report do not say, and on what they were made."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipeline.notices import kept
from stages.report import origins, overlap, seed_words
from stages.report.evidence import Evidence, Missing
from stages.report.names import ACCURACY
from stages.report.page import Page


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
    manifests = [artifact.manifest for artifact in page.artifacts.values()]
    notes += [*_few(page), *_not_finite(page), *origins.mixed(manifests)]
    notes += [f"{found}." for found in overlap.overlaps(page.artifacts)]
    for stage, artifact in page.artifacts.items():
        notes += [f"{stage} warned: {text}." for text in kept(artifact.facts)]
    notes += [
        seed_words.intervals(page.facts),
        "A claim is a list of checks that must all hold; nothing is corrected for their number.",
        "cons@k exists for problems whose answers can be voted on; claims and tables hold it "
        "against pass@1 of these alone. pass@k and best-of-k are of problems asked so often.",
        "Curves show the prompts of each step, which change; held-out numbers are in the tables.",
        "Small models on generated problems show that a mechanism works, not how strong it is at "
        "the paper's size. The paper's rows measure other things than ours and are shown for their "
        "shape.",
    ]
    return "\n".join(f"- {note}" for note in notes)


def _few(page: Page) -> Iterator[str]:
    """Evaluations of so few problems that no claim reads them."""
    smallest = page.config["claims"]["bootstrap"].get("smallest", 1)
    for stage, estimates in page.facts["stages"].items():
        asked = (estimates.get(ACCURACY) or {}).get("n")
        if asked is not None and asked < smallest:
            problems = "one problem" if asked == 1 else f"{asked} problems"
            yield f"{stage} was asked {problems}, fewer than {smallest}: that decides nothing."


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
