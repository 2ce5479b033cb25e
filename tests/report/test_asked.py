"""A report says on which problems it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.artifact import Artifact
from stages.report.evidence import Problems
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


def test_problems_of_two_sets_with_the_same_ids_stay_apart() -> None:
    columns = {"id": ["math-1", "math-2", "math-1"], "group": ["a", "a", "b"], "pass": [1, 0, 0]}
    table = Problems("zero", columns)
    assert [list(table.values("pass", table.ids({"group": one}))) for one in "ab"] == [[1, 0], [0]]
