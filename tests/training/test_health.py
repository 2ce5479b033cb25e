"""Rules about curves: each by numbers worked by hand, and in a stage that really trains."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from pipeline.errors import StageFailed
from stages.kinds.sft import run as sft
from stages.kinds.sft.kind import SFTConfig
from stages.rewards.padding import repeated_share
from stages.settings import health as checks
from stages.settings.health import Health, HealthRule
from stages.settings.training import Optimizer
from stages.training.health_rules import Watch, change, judge
from tests.shipped import shipped

CONF = Path(__file__).resolve().parents[2] / "conf"


def rule(compare: str, limit: float, window: int, **more: Any) -> HealthRule:
    values = {"curve": "x", "message": "Do this.", "action": "warn"} | more
    return HealthRule(compare=compare, limit=limit, window=window, **values)


def steps(watch: Watch, **curves: list[float]) -> list[tuple[str, int]]:
    """Which rules begin to hold, and when, on curves of equal length."""
    for number, values in enumerate(zip(*curves.values(), strict=True), start=1):
        watch.look(number, dict(zip(curves, values, strict=True)))
    return [(finding.rule, finding.step) for finding in watch.findings]


def test_a_mean_above_or_below_its_limit_holds_once_the_window_is_full() -> None:
    high, low = rule("above", 0.5, 3), rule("below", 0.5, 3)
    assert judge(high, [0.9, 0.9]) is None  # two points of three
    assert judge(high, [0.1, 0.6, 0.8, 0.2]) == "x is 0.5333 in the mean of 3 steps (above 0.5)"
    assert judge(high, [0.8, 0.1, 0.6, 0.8]) is None  # exactly 0.5
    assert judge(low, [0.1, 0.6, 0.7]) == "x is 0.4667 in the mean of 3 steps (below 0.5)"
    assert judge(low, [0.2, 0.6, 0.8, 0.1]) is None  # exactly 0.5


def test_growth_is_of_the_second_half_over_the_first() -> None:
    doubling = rule("grows", 2.0, 4)
    assert judge(doubling, [99, 1, 3, 4, 4]) is None  # 2 to 4 is not more than twofold
    assert judge(doubling, [1, 3, 4, 5]) == "x went from 2 to 4.5 within 4 steps (more than × 2)"
    assert judge(doubling, [8, 8, 4, 4]) is None


def test_a_change_is_counted_in_standard_errors() -> None:
    # means 2 and 5, variances 1 and 1, three points each: 3 / sqrt(1/3 + 1/3)
    assert change([1, 2, 3, 4, 5, 6]) == pytest.approx(3 / math.sqrt(2 / 3))
    assert change([6, 5, 4, 3, 2, 1]) == pytest.approx(-3 / math.sqrt(2 / 3))
    assert change([1, 1, 1, 1]) == 0
    assert change([1, 1, 2, 2]) == math.inf


HACKED = {
    "reward/helpful": [0.1, 0.2, 0.1, 0.2, 0.8, 0.9, 0.8, 0.9],
    "accuracy": [0.8, 0.7, 0.8, 0.7, 0.3, 0.2, 0.3, 0.2],
}


def test_the_hacking_alarm_needs_both_a_rising_reward_and_a_falling_verifier() -> None:
    alarm = rule("diverges", 3.0, 8, curve="reward/helpful", against="accuracy")
    watch = Watch(Health({"hacking": alarm}))
    assert steps(watch, **HACKED) == [("hacking", 8)]
    numbers = watch.findings[0].numbers
    assert "reward/helpful went from 0.15 to 0.85" in numbers
    assert "accuracy went from 0.75 to 0.25" in numbers
    healthy = HACKED | {"accuracy": HACKED["reward/helpful"]}
    assert steps(Watch(Health({"hacking": alarm})), **healthy) == []
    noise = HACKED | {"accuracy": [0.8, 0.2, 0.7, 0.3, 0.7, 0.2, 0.6, 0.3]}  # falls by 0.4 errors
    assert steps(Watch(Health({"hacking": alarm})), **noise) == []


def test_steps_without_the_preference_reward_are_no_part_of_its_window() -> None:
    alarm = rule("diverges", 3.0, 8, curve="reward/helpful", against="accuracy")
    watch = Watch(Health({"hacking": alarm}))
    for step in range(20):
        watch.look(step, {"accuracy": 0.5})
    later = [
        dict(zip(HACKED, values, strict=True)) for values in zip(*HACKED.values(), strict=True)
    ]
    found = [watch.look(20 + number, point) for number, point in enumerate(later)]
    assert [bool(begun) for begun in found] == [False] * 7 + [True]


def test_a_rule_is_told_when_it_begins_to_hold_and_again_only_after_it_ceased() -> None:
    watch = Watch(
        Health({"hot": rule("above", 0.5, 1), "off": rule("above", 0.5, 1, action="off")})
    )
    assert steps(watch, x=[0.6, 0.7, 0.4, math.nan, 0.9]) == [("hot", 1), ("hot", 5)]
    watch = Watch(Health({"hot": rule("above", 0.5, 1, curve="y")}))
    assert steps(watch, x=[0.9]) == []
    assert watch.facts() == {"warnings": [], "without_curve": ["hot"]}


@pytest.mark.parametrize("kind", ["rl", "supervised"])
def test_the_default_rules_are_quiet_on_a_healthy_run(kind: str) -> None:
    loaded = OmegaConf.to_container(OmegaConf.load(CONF / "health" / f"{kind}.yaml"))
    rules = {name: HealthRule(**values) for name, values in loaded["rules"].items()}
    wave = [math.sin(7 * step) / 10 for step in range(100)]  # noise that repeats itself
    healthy = {  # as `zero` of the tiny profile logs them (made on 2026-11-21)
        "loss": [2 - step / 100 + w for step, w in enumerate(wave)],
        "grad_norm": [0.2 + 0.7 * 0.9**step + w / 2 for step, w in enumerate(wave)],
        "entropy": [0.12 + 0.3 * 0.9**step + w / 9 for step, w in enumerate(wave)],
        "length": [40 - 19 * 0.9**step + 20 * w for step, w in enumerate(wave)],
        "zero_signal_share": [0.5 - 0.5 * 0.95**step + w for step, w in enumerate(wave)],
        "reward/helpful": [0.5 + step / 500 + w for step, w in enumerate(wave)],
        "accuracy": [0.78 - 0.4 * 0.95**step + w / 2 for step, w in enumerate(wave)],
        "reward": [1.8 - step / 999 + w for step, w in enumerate(wave)],
        "truncation": [0.001] * 100,
        "completion_repetition": [0.07] * 100,
        "copied": [0.02] * 100,
        "kl": [step / 500 for step in range(100)],
        "sampling_logp_difference": [1.2e-7] * 100,
    }
    assert steps(Watch(Health(rules)), **healthy) == []


def test_repetition_counts_runs_of_six_words_that_stood_before() -> None:
    assert repeated_share("so it is") == 0
    assert repeated_share(" ".join(map(str, range(50)))) == 0
    # 13 words have 8 runs; those at 6 and 7 are those at 0 and 1
    assert repeated_share("1 2 3 4 5 6 1 2 3 4 5 6 1") == 2 / 8


def conversation(number: int) -> dict[str, Any]:
    return {
        "id": f"r{number}",
        "domain": "math",
        "language": "en",
        "prompt": [{"role": "user", "content": f"{number} + 1 = ?"}],
        "completion": f"<think>{number} + 1</think><answer>{number + 1}</answer>",
        "source": "tiny",
    }


def settings(**changes: Any) -> SFTConfig:
    values: dict[str, Any] = {
        "optimizer": Optimizer(learning_rate=1e-3),
        "epochs": 2.0,
        "batch_size": 4,
        "max_length": 64,
        "save_steps": 2,
        "seed": 3,
    }
    return shipped(SFTConfig, **{**values, **changes})


@pytest.fixture
def inputs(tiny_model_dir: Path, make_artifact: Any) -> dict[str, Any]:
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    data = make_artifact("conversations", "data", rows=[conversation(n) for n in range(12)])
    return {"init_from": (base,), "data_from": (data,)}


def test_a_rule_stops_a_stage_and_with_another_action_it_goes_on_and_warns(
    inputs: Any, make_context: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    context = make_context(tmp_path / "stopped", stage="dev1")
    high = rule("above", 0.1, 3, curve="loss")
    rules = {"loss_high": high, "no_such_curve": rule("above", 0, 1)}
    high.action = "stop"
    with pytest.raises(StageFailed) as error:
        sft.run(settings(health=Health(rules)), inputs, context)
    said = str(error.value)
    assert said.startswith("stopped at step 3 by stages.dev1.health.rules.loss_high: loss is ")
    assert "in the mean of 3 steps (above 0.1). Do this. checkpoint-2 is kept." in said
    assert said.endswith("stages.dev1.health.rules.loss_high.action=warn")

    high.action = "warn"
    facts = sft.run(settings(health=Health(rules)), inputs, context).facts
    assert "r1 warning: step 3: loss is " in capfd.readouterr().err
    whole = sft.run(settings(health=Health(rules)), inputs, make_context(tmp_path / "whole"))
    assert facts["health"] == whole.facts["health"]
    assert [warning["step"] for warning in facts["health"]["warnings"]] == [3]
    assert facts["health"]["without_curve"] == ["no_such_curve"]
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_rules_that_cannot_work_are_refused_by_their_keys() -> None:
    bad = {
        "good": rule("above", 1, 1),
        "verb": rule("over", 1, 1),
        "short": rule("diverges", 3, 3, against="accuracy"),
        "alone": rule("diverges", 3, 8),
        "shout": rule("below", 1, 1, action="scream"),
    }
    found = {problem.key for problem in checks.rules(Health(bad))}
    assert found == {
        f"health.rules.{key}"
        for key in ("verb.compare", "short.window", "alone.against", "shout.action")
    }
