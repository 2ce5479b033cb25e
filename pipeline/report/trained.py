"""Tables of what training left behind: reward models against their gates, computation spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.artifact import Artifact
from pipeline.report.tables import NONE, table

Stages = Mapping[str, Mapping[str, Any]]  # the resolved config of each

#: What a reward model is asked on held-out rows → its title, and the key of the stage's gate.
ASKED = {
    "accuracy": ("accuracy", "min_accuracy"),
    "calibration": ("calibration error", "max_calibration_error"),
    "length_bias": ("score with length, correlation", "max_length_bias"),
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


def _asked(value: float | None, gate: float | None, key: str) -> str:
    found = NONE if value is None else f"{value:.3f}"
    return found if gate is None else f"{found} ({key} {gate:g})"
