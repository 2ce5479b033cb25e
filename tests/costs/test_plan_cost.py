"""`r1 plan --cost`, on recipes as they are composed."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.compose import Composed, compose
from pipeline.graph import build
from pipeline.situation import survey
from stages.commands import cost_page
from stages.costs.estimate import Forecast, forecast
from stages.costs.hardware import of_root
from stages.project import R1

SMALL = ["profile=small", "model@stages.base=hub", "stages.base.path=Qwen/Qwen2.5-0.5B"]
LARGER = [*SMALL[:2], "stages.base.path=Qwen/Qwen2.5-1.5B"]


def composed(*words: str) -> Composed:
    return compose(R1, [*words])


def foreseen(*words: str) -> Forecast:
    found = composed(*words)
    stages = build(found.stages, R1.kinds(), found.root).stages
    return forecast(stages, of_root(found.root, found.choices["hardware"]))


@pytest.mark.parametrize("machine", ["h100x8", "rtx4090x1", "cpu2"])
@pytest.mark.parametrize(
    ("recipe", "profile"),
    [
        ("r1", "tiny"),
        ("r1", "small"),
        ("r1", "paper"),
        ("students", "one_gpu"),
        ("distill_on_policy", "small"),
    ],
)
def test_every_stage_has_a_cost(recipe: str, profile: str, machine: str) -> None:
    rows = ["stages.rows.path=rows.jsonl"] if recipe == "students" else []
    found = foreseen(f"recipe={recipe}", f"profile={profile}", f"hardware={machine}", *rows)
    assert not [one.unknown for one in found.stages.values() if one.unknown]
    for one in found.stages.values():
        numbers = [one.seconds, one.flops, one.tokens_out, one.gpu_hours, *one.peak_bytes.values()]
        assert all(math.isfinite(number) and number >= 0 for number in numbers), one.stage
        if one.kind in ("rl", "sft", "sample", "evaluate", "reward_model", "on_policy_distill"):
            assert min(one.seconds, one.flops, one.disk_bytes, sum(one.peak_bytes.values())) > 0


def test_more_steps_and_longer_answers_cost_more() -> None:
    words = [*SMALL, "recipe=r1_zero", "hardware=h100x8"]
    once = foreseen(*words).stages["zero"]
    twice = foreseen(*words, "stages.zero.max_steps=2000").stages["zero"]
    assert twice.gpu_hours > 1.9 * once.gpu_hours
    longer = foreseen(*words, "stages.zero.length_share=0.5").stages["zero"]
    assert longer.tokens_out > 2 * once.tokens_out
    assert longer.seconds > once.seconds


def test_without_a_price_there_is_no_sum() -> None:
    words = [*SMALL, "recipe=r1_zero", "hardware=h100x8"]
    found = foreseen(*words)
    assert found.money is None
    assert all(one.money is None for one in found.stages.values())
    priced = foreseen(*words, "hardware.price.hour=2")
    assert priced.money == pytest.approx(2 * priced.total("gpu_hours"))


def test_stages_run_side_by_side_as_far_as_the_launcher_lets_them() -> None:
    words = ["recipe=r1", "profile=tiny", "hardware=cpu2"]
    one, two = (foreseen(*words, f"launcher.max_parallel={count}") for count in (1, 2))
    assert one.seconds == pytest.approx(sum(each.seconds for each in one.stages.values()))
    assert 0.5 * one.seconds < two.seconds < one.seconds
    for found in (one, two):
        for name, slot in found.slots.items():
            edges = composed(*words).root["stages"][name]
            before = [edges["init_from"], *edges["data_from"]]
            assert all(found.slots[each].end <= slot.start for each in before if each)
        path = found.critical_path
        assert found.slots[path[-1]].end == found.seconds
        waited = sum(found.stages[name].seconds for name in path)
        assert waited == pytest.approx(found.seconds)


def test_stages_that_are_done_cost_nothing_more() -> None:
    found = composed("recipe=r1_zero", "profile=tiny", "hardware=cpu2")
    stages = build(found.stages, R1.kinds(), found.root).stages
    rest = forecast(stages, of_root(found.root), {"reasoning_clean": {"rows": 10}}, ["base"])
    assert "base" not in rest.stages
    assert rest.stages["reasoning_clean"].rows == 10


def test_a_model_that_nobody_knows_is_named_and_counted_as_nothing() -> None:
    words = ["recipe=r1_zero", "profile=small", "hardware=h100x8", "model@stages.base=hub"]
    found = foreseen(*words, "stages.base.path=somebody/unheard-of-7b")
    assert found.stages["base"].unknown == ("somebody/unheard-of-7b",)
    assert found.stages["zero"].flops == 0


def test_what_is_proposed_fits() -> None:
    words = [*LARGER, "recipe=r1", "hardware=rtx4090x1"]
    (problem,) = foreseen(*words).stages["zero"].problems
    told = problem.text.partition("set ")[2].replace(" and ", " ").split()
    assert problem.when_run
    assert problem.key in problem.text
    assert not foreseen(*words, *told).stages["zero"].problems


def test_a_cache_without_room_for_a_window_is_told_with_one_that_fits() -> None:
    words = ["recipe=r1", *SMALL[:2], "stages.base.path=Qwen/Qwen2.5-7B", "hardware=rtx4090x1"]
    problems = foreseen(*words).stages["general_data"].problems
    (problem,) = problems
    assert problem.key == "rollout.max_model_tokens"
    fitting = problem.text.rpartition(" ")[2]
    key = f"stages.general_data.rollout.max_model_tokens={fitting}"
    assert not foreseen(*words, key).stages["general_data"].problems


def test_a_model_beyond_one_device_is_told_how_many_hold_it() -> None:
    words = [*SMALL[:2], "recipe=r1_zero", "stages.base.path=Qwen/Qwen2.5-32B"]
    texts = [p.text for p in foreseen(*words, "hardware=a100x8").stages["eval_zero"].problems]
    assert not texts  # 65 GB of 72
    texts = [p.text for p in foreseen(*words, "hardware=l40sx1").stages["eval_zero"].problems]
    assert "take a smaller model" in texts[0]


@pytest.mark.parametrize("machine", ["rtx4090x1", "h800x8"])
def test_no_result_depends_on_the_machine_or_on_what_is_assumed(machine: str) -> None:
    words = ["recipe=r1_zero", "profile=small"]
    other = ["cost.length_share=0.9", "stages.zero.length_share=0.9", f"hardware={machine}"]
    was, now = (survey(R1, composed(*words, *more)).wanted for more in ([], other))
    assert {name: one.fingerprint for name, one in was.items()} == {
        name: one.fingerprint for name, one in now.items()
    }


def shown(*words: str) -> str:
    command = [sys.executable, "-m", "stages", "plan", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return done.stdout


def test_the_page_is_text_markdown_and_json() -> None:
    words = [
        "--cost",
        "recipe=r1_zero",
        "profile=small",
        "hardware=h100x8",
        "hardware.price.hour=3",
    ]
    text, markdown, found = shown(*words), shown(*words, "--markdown"), shown(*words, "--json")
    told = json.loads(found)
    assert {"zero", "eval_zero"} <= {row["stage"] for row in told["stages"]}
    assert told["total"]["money"] == pytest.approx(3 * told["total"]["gpu_hours"])
    assert told["hardware"]["device"]["name"] == "H100"
    assert text.startswith("hardware h100x8: 8 × H100, 3 USD")
    assert "critical path: " in text
    assert "| zero |" in markdown


def test_a_plan_that_is_not_asked_for_the_cost_does_not_reckon_it() -> None:
    code = (
        "import sys; from stages.project import main; main(['plan', 'recipe=r1_zero']);"
        "sys.exit(any(name.startswith('stages.costs') for name in sys.modules))"
    )
    assert not subprocess.run([sys.executable, "-c", code], capture_output=True).returncode


def test_a_run_on_a_machine_that_is_named_warns_of_what_does_not_fit(tmp_path: Path) -> None:
    root = f"paths.root={tmp_path}"
    tight = survey(R1, composed(*LARGER, "recipe=r1_zero", "hardware=rtx4090x1", root))
    (text,) = cost_page.cautions(tight, ["zero"])
    assert text.startswith("stages.zero.")
    assert "lora" in text
    assert not cost_page.cautions(tight, ["eval_zero"])
    wide = survey(R1, composed(*LARGER, "recipe=r1_zero", "hardware=h100x8", root))
    assert not cost_page.cautions(wide, ["zero"])


def test_a_time_limit_shorter_than_what_lies_between_two_saves_is_warned_of(
    tmp_path: Path,
) -> None:
    words = [*LARGER, "recipe=r1_zero", "hardware=h100x8", f"paths.root={tmp_path}"]
    situation = survey(R1, composed(*words, "launcher=slurm", "launcher.leave_seconds=60"))
    zero = cost_page.foreseen(situation, situation.composed).stages["zero"]
    config = situation.composed.stages["zero"]
    step = (zero.seconds - zero.phases["start"]) / config.max_steps
    saves = zero.phases["start"] + config.save_steps * step
    cautions: dict[float, list[str]] = {}
    for share in (0.9, 1.1):
        minutes = round(share * saves / 60) + 1  # beside the time to leave
        situation.composed.root["launcher"]["job"]["time"] = str(minutes)
        cautions[share] = cost_page.cautions(situation, ["zero"])
    (text,) = cautions[0.9]
    assert text.startswith("launcher.kinds.rl.time: zero has")
    assert f"(save_steps {config.save_steps})" in text
    assert "lower stages.zero.save_steps" in text
    assert cautions[1.1] == []


@pytest.mark.torch
def test_what_is_known_of_training_is_what_training_does() -> None:
    from stages.costs.models import CHECKPOINTS, CHUNK_LOGITS
    from stages.rl import token_logps
    from stages.training import checkpoints

    assert CHUNK_LOGITS == token_logps.CHUNK_LOGITS
    assert CHECKPOINTS == checkpoints.KEPT + 1
