"""slime's command line, by the words of its own arguments; slime itself was not run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline import checks
from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.graph import build
from stages.engines.engine import EngineRow, Places
from stages.engines.segments import segments_of
from stages.engines.slime import Slime
from stages.project import R1

PLACES = Places(
    Path("/w/exports/step_0"), Path("/w/rows.parquet"), Path("/w/checkpoints"),
    Path("/w/reward_client.py"), Path("/w/curves.jsonl"), 0,
)  # fmt: skip
WORDS = (
    "recipe=r1_zero", "profile=paper", "rollout=vllm", "engine=slime", "engine.python=/opt/python",
    "engine.program=/opt/slime/train.py", "engine.overrides=[--tensor-model-parallel-size,'8']",
    "stages.zero.validation.every=0",
)  # fmt: skip
WHOLE = ("stages.zero.length_switches=[{step: 8208, max_tokens: 65536}]",)


def zero(*words: str) -> Any:
    composed = compose(R1, [*WORDS, *words])
    found = build(composed.stages, R1.kinds(), composed.root)
    checks.refuse(checks.problems(found))
    return composed.stages["zero"]


def flags(config: Any, number: int, reached: int) -> dict[str, str]:
    command = Slime().command(config, segments_of(config)[number], replace(PLACES, reached=reached))
    assert command[:2] == ["/opt/python", "/opt/slime/train.py"]
    assert command[-2:] == ["--tensor-model-parallel-size", "8"]
    places = [n for n, word in enumerate(command) if word.startswith("--")]
    ends = [*places[1:], len(command)]
    return {command[n]: " ".join(command[n + 1 : e]) for n, e in zip(places, ends, strict=True)}


def test_the_papers_numbers_reach_slime() -> None:
    config = zero(*WHOLE)
    assert [s.steps.start for s in segments_of(config)] == [0, 8208]
    found = flags(config, 0, 0)
    assert found["--lr"] == "3e-06"
    assert (found["--eps-clip"], found["--eps-clip-high"]) == ("10.0", "10.0")
    assert found["--kl-loss-coef"] == "0.001"
    assert found["--rollout-batch-size"] == "512"
    assert found["--n-samples-per-prompt"] == "16"
    assert found["--global-batch-size"] == "512"
    assert found["--ref-update-interval"] == "25"
    assert found["--rollout-max-response-len"] == "32768"
    assert flags(config, 1, 513)["--rollout-max-response-len"] == "65536"
    assert found["--custom-rm-path"] == "reward_client.slime_reward"
    assert Slime().environment(PLACES) == {"PYTHONPATH": "/w"}


def test_a_start_that_goes_on_has_the_reference_of_the_last_replacement() -> None:
    config = zero(*WHOLE)
    assert flags(config, 0, 0)["--ref-load"] == "/w/exports/step_0"
    assert "--ref-ckpt-step" not in flags(config, 0, 24)
    again = flags(config, 0, 63)  # replaced after rollouts 25 and 50; checkpoints count from 0
    assert (again["--ref-load"], again["--ref-ckpt-step"]) == ("/w/checkpoints", "49")


def test_a_change_inside_a_rollout_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"step 8200: slime counts rollouts of one length\. Move it"
    ):
        zero()


def test_a_checkpoint_of_slime_is_numbered_by_its_last_rollout(tmp_path: Path) -> None:
    slime = Slime()
    assert slime.reached(tmp_path) == 0
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("24")
    assert slime.reached(tmp_path) == 25
    assert slime.export(tmp_path, 25) == tmp_path / "hf_24"
    (row,) = slime.rows([EngineRow(4, 7, [{"role": "user", "content": "2 + 3 = ?"}], "tiny")])
    assert json.loads(str(row["label"])) == {"prompt": 7, "place": 4}
