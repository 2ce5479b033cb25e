"""Held-out evaluation during RL, in the shipped recipes: who has it, and what it must not move."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import manifest as manifests
from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.graph import build
from pipeline.plan import wanted
from pipeline.situation import survey
from pipeline.store import Store
from pipeline.why import why
from stages.project import R1


def prints(folder: Path, *words: str) -> dict[str, str]:
    composed = compose(R1, ["recipe=r1_zero", *words])
    results = wanted(build(composed.stages, R1.kinds()), Store(folder, ()).digests)
    return {name: one.fingerprint for name, one in results.items()}


def test_what_rl_is_only_asked_moves_no_fingerprint_of_what_it_learns(tmp_path: Path) -> None:
    before = prints(tmp_path)
    off = prints(tmp_path, "stages.zero.validate_on=[]", "stages.zero.validation.every=0")
    assert off == before
    other = ["stages.validation.per_domain.math=3", "stages.reasoning_clean.apart_from=[heldout]"]
    asked = prints(tmp_path, *other)
    assert asked["validation"] != before["validation"]
    del other[0]
    assert asked["zero"] == prints(tmp_path, *other)["zero"] != before["zero"]


def test_why_does_not_blame_what_changes_nothing(tmp_path: Path) -> None:
    composed = compose(R1, ["recipe=r1_zero", "stages.zero.max_steps=7"])
    root = composed.root | {"paths": {"store": str(tmp_path), "runs": str(tmp_path), "adopt": []}}
    situation = survey(R1, type(composed)(root, composed.stages, composed.choices, []))
    want = situation.wanted["zero"]
    moved = {"edge": "validate_on", "stage": "validation", "fingerprint": "0" * 16}
    identity: dict[str, Any] = json.loads(json.dumps(want.identity))
    identity["config"]["max_steps"] = 8
    inputs = [vars(i) for i in want.inputs if i.edge != "validate_on"]
    manifest = {"stage": "zero", "fingerprint": "1" * 16, "identity": identity}
    manifest |= {"type": "model", "facts": {}, "files": {}}
    folder = tmp_path / "zero" / ("1" * 16)
    folder.mkdir(parents=True)
    manifests.write(folder, manifest | {"inputs": [*inputs, moved], "created": "2026-01-01"})
    reason = why("zero", situation.wanted, situation.store)
    assert [str(change) for change in reason.changes] == ["max_steps: 8 → 7"]
    assert reason.inputs == []


@pytest.mark.parametrize("profile", ["tiny", "smoke", "small", "one_gpu", "paper"])
def test_every_profile_watches_r1_zero_on_problems_that_no_claim_is_judged_on(profile: str) -> None:
    stages = compose(R1, [f"profile={profile}"]).stages
    evaluated = {name for s in stages.values() if s.kind == "evaluate" for name in s.data_from}
    for name in ("zero", "dev2", "r1"):
        assert len(stages[name].validate_on) == 1
        assert stages[name].validation.every > 0
        assert not {*stages[name].validate_on} & evaluated
        assert stages[name].validation.policy == stages["eval_zero"].verifiers.policy
    (watched,) = (stages[name] for name in stages["zero"].validate_on)
    assert watched.kind == "dataset" or "heldout" in watched.apart_from  # the world's own splits


def test_the_papers_sampling_is_that_of_its_evaluation(tmp_path: Path) -> None:
    asked = compose(R1, ["profile=paper"]).stages["zero"].validation
    assert (asked.samples, asked.temperature, asked.top_p) == (16, 0.6, 0.95)  # figure 1a, D.1


def test_problems_that_a_stage_trains_on_are_refused_when_the_graph_is_composed() -> None:
    composed = compose(R1, ["recipe=r1_zero", "stages.zero.validate_on=[reasoning_clean]"])
    with pytest.raises(UsageError, match="validate_on: names reasoning_clean, which data_from"):
        survey(R1, composed)
