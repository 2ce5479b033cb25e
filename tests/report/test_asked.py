"""A report says on which problems it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.artifact import Artifact
from stages.report.origins import asked


def artifacts(facts: dict[str, Any]) -> dict[str, Artifact]:
    def evaluation(problems: str) -> dict[str, Any]:
        edge = {"edge": "data_from", "stage": problems, "fingerprint": "0"}
        return {"type": "evaluation", "facts": {"model": "zero"}, "inputs": [edge]}

    manifests: dict[str, dict[str, Any]] = {
        "heldout": {"type": "problems", "facts": facts},
        "prompts": {"type": "problems", "facts": {"split": "train"}},
        "trial": evaluation("prompts"),  # what a reward model was tried on is no claim's evidence
        "eval_zero": evaluation("heldout"),
    }
    return {name: Artifact(Path(name), manifest) for name, manifest in manifests.items()}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"split": "claims", "rows": 900}, "(900 problems, split claims; no preset was settled on"),
        ({"split": "settling", "rows": 9}, "split settling; presets are settled on them, so a ver"),
        ({"rows": 1319}, "heldout (1,319 problems)"),
    ],
)
def test_the_split_of_the_problems_that_were_asked_is_named(facts: dict[str, Any], said: str):
    (found,) = asked(artifacts(facts))
    assert said in found
