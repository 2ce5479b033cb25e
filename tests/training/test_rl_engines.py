"""RL whose completions come from engines with copies of the weights: the same training."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from pipeline.compose import compose
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import Importance, RLConfig, Validation
from stages.project import R1
from stages.rl import policy_weights
from stages.rl.groups import GroupDrawer
from stages.settings.generation import Rollout
from stages.settings.health import Health
from stages.settings.training import Lora
from tests.shipped import shipped
from tests.training.test_rl import config as nine_steps

AHEAD = {"rollout_ahead": 1, "importance": Importance("token_truncate", None, 2.0)}
SMALL_BATCHES = shipped(Rollout, batch_tokens=1000)  # so that a rollout comes in parts

SENT = shipped(Rollout, batch_tokens=1000, own_gpus=1, weights="broadcast")


def config(**changes: Any) -> RLConfig:
    return nine_steps(**{"max_steps": 5, **changes})


def curve(context: Any, name: str) -> list[float]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    return [point[name] for point in map(json.loads, lines) if name in point]


def weights(context: Any) -> dict[str, torch.Tensor]:
    return load_file(context.output / "model" / "model.safetensors")


def test_a_rollout_drawn_ahead_is_one_old_and_weighed_for_it(speaking_inputs, make_context):
    context = make_context()
    rl.run(config(**AHEAD), speaking_inputs, context)
    assert max(curve(context, "sampling_logp_difference")) < 1e-5  # the engine's own
    staleness = curve(context, "staleness")
    assert staleness[0] < 1e-5  # nothing was trained before the first
    assert min(staleness[2:]) > 1e-4
    lowest = curve(context, "lowest_importance")
    assert lowest[0] == pytest.approx(1, abs=1e-3)
    assert min(lowest[2:]) < 0.99


@pytest.mark.parametrize("rollout", [SMALL_BATCHES, SENT], ids=["file", "broadcast"])
def test_engines_that_draw_ahead_get_the_merged_weights_of_adapters(
    speaking_inputs, make_context, rollout
):
    context = make_context()
    lora = shipped(Lora, rank=4, alpha=8)
    rl.run(config(**AHEAD, lora=lora, max_steps=4, rollout=rollout), speaking_inputs, context)
    assert max(curve(context, "sampling_logp_difference")) < 1e-5
    assert max(curve(context, "staleness")) > 1e-4


def test_an_engine_whose_head_stays_stale_raises_the_alarm(
    speaking_inputs, make_context, monkeypatch
):
    """The head that ties the model's embedding is written as it was at the start."""
    first: dict[str, torch.Tensor] = {}
    plain_weights = policy_weights.plain_weights

    def stale(model: Any) -> Any:
        for name, value in plain_weights(model):
            first.setdefault(name, value.detach().clone())
            yield name, first[name] if "embed_tokens" in name else value

    monkeypatch.setattr(policy_weights, "plain_weights", stale)
    context = make_context()
    rule = compose(R1, ["until=zero"]).stages["zero"].health.rules["logprob_gap"]
    watched = config(**AHEAD, health=Health({"logprob_gap": rule}))
    facts = rl.run(watched, speaking_inputs, context).facts
    warned = [finding["rule"] for finding in facts["health"]["warnings"]]
    assert "logprob_gap" in warned, curve(context, "sampling_logp_difference")


def test_validation_asks_the_policy_as_it_is_while_a_rollout_is_drawn_ahead(
    speaking_inputs, make_context, make_artifact, tmp_path
):
    from stages.tiny.problems import generate

    rows = generate("math", "en", 4, 1, "settling")
    inputs = {**speaking_inputs, "validate_on": (make_artifact("problems", "held", rows=rows),)}
    looking = shipped(Validation, every=2, samples=2, temperature=1.0)
    plain, looked = make_context(tmp_path / "plain"), make_context(tmp_path / "looked")
    rl.run(config(**AHEAD), speaking_inputs, plain)
    rl.run(config(**AHEAD, validation=looking), inputs, looked)
    assert len(curve(looked, "validation/accuracy")) == 4  # before, 2, 4 and the end
    assert all(torch.equal(value, weights(plain)[name]) for name, value in weights(looked).items())


@pytest.mark.parametrize("rollout", [SMALL_BATCHES, SENT], ids=["file", "broadcast"])
def test_an_engine_that_is_killed_in_a_rollout_changes_nothing(
    speaking_inputs, make_context, tmp_path, monkeypatch, rollout
):
    whole, harmed = make_context(tmp_path / "whole"), make_context(tmp_path / "harmed")
    rl.run(config(**AHEAD, rollout=SMALL_BATCHES), speaking_inputs, whole)
    score, killed = GroupDrawer._score, []

    def kill_once(self: Any, places: Any, batch: Any, step: int) -> Any:
        if step == 2 and not killed:
            killed.extend(multiprocessing.active_children())
            for engine in killed:
                os.kill(engine.pid, signal.SIGKILL)
        return score(self, places, batch, step)

    monkeypatch.setattr(GroupDrawer, "_score", kill_once)
    rl.run(config(**AHEAD, rollout=rollout), speaking_inputs, harmed)
    assert killed
    assert bool(list((harmed.work / "policy").glob("again*"))) == (rollout is SENT)
    assert curve(harmed, "reward") == curve(whole, "reward")
    assert all(torch.equal(value, weights(whole)[name]) for name, value in weights(harmed).items())
