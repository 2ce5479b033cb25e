"""The report's words about reward models and about what training cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from stages.report.trained import computation, reward_models


def made(kind: str, type_: str = "model", **facts: Any) -> Artifact:
    return Artifact(Path(), {"kind": kind, "type": type_, "facts": facts})


def test_a_reward_model_stands_beside_its_gate() -> None:
    facts = {"scores": "answer", "n": 150, "accuracy": 0.71, "calibration": 0.05}
    artifacts = {"helpful_rm": made("reward_model", "reward_model", length_bias=None, **facts)}
    text = reward_models(artifacts, {"helpful_rm": {"min_accuracy": 0.6, "max_length_bias": 0.3}})
    row = text.splitlines()[-1]
    assert row == (
        "| helpful_rm | answer | 150 | 0.710 (min_accuracy 0.6) | 0.050 | – (max_length_bias 0.3) "
        "| – | – |"
    )


def test_both_budgets_of_a_control_are_told() -> None:
    def cost(tokens: int, each: int) -> dict[str, float]:
        return {"parameters": 1000, "tokens": tokens, "flops": 1000.0 * tokens * each}

    artifacts = {
        "base": made("pretrained"),
        "student_qwen": made("sft", compute=cost(4000, 6)),
        "student_rl": made("rl", compute=cost(3150, 8)),
    }
    text = computation(artifacts, {"student_rl": {"compute_as": "student_qwen"}})
    assert "| student_qwen | sft | 1,000 | 4,000 | 2.40e+07 | – |" in text
    assert "| student_rl | rl | 1,000 | 3,150 | 2.52e+07 | 105 % of student_qwen |" in text
    assert "base" not in text.split("Operations are")[0]
    assert not computation({"base": made("pretrained")}, {})
