"""RL killed by SIGKILL, at any moment, goes on to the weights and curves of the whole run."""

from __future__ import annotations

import json
import pickle
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file

from stages.kinds.rl import run as rl
from stages.kinds.rl.config import Curriculum, DynamicSampling, LengthSwitch, RewardTerm, RLConfig
from stages.settings.generation import Sampling
from stages.settings.training import Lora, Optimizer

sys.path.insert(0, str(Path(__file__).parent))  # as the killed process finds it
from killed_rl import Case

from tests.shipped import shipped

NOT_EXACT = ("time", "step_seconds", "tokens_per_second")

EVERYTHING = {  # 10 prompts, 12 a block: each block is in a later epoch than the one before
    "steps_per_rollout": 2,
    "kl_coefficient": 0.01,
    "reference_sync_steps": 3,
    "dynamic_sampling": DynamicSampling(budget=0.5),
    "curriculum": Curriculum(rest_steps=3, samples=4, never=0.2),
}
CUT = {  # a rollout of four steps in three parts, of one step, two and one
    **EVERYTHING,
    "steps_per_rollout": 4,
    "save_steps": 4,
    "max_steps": 8,
    "length_switches": [LengthSwitch(5, 16), LengthSwitch(7, 24)],
    "sampling": Sampling(1.0, max_tokens=8),
}
CASES = {  # moment and step of the kill; checkpoints are 2 steps apart, a reference is of step 3
    "before-any-checkpoint": ({}, "step", 1),
    "inside-a-rollout": (EVERYTHING, "rollout", 4),
    "inside-a-block-after-a-sync": (EVERYTHING, "step", 5),
    "inside-a-part-of-a-rollout": (CUT, "step", 6),
    "inside-the-last-part-of-a-rollout": (CUT, "rollout", 7),
    "lora-after-a-sync": ({**EVERYTHING, "lora": shipped(Lora, rank=4, alpha=8)}, "step", 5),
    "while-the-next-is-drawn": ({**EVERYTHING, "rollout_ahead": 1}, "step", 5),
    "between-weights-and-optimizer": (EVERYTHING, "weights", 4),
    "before-the-list-of-files": ({}, "list", 4),
}


def config(**changes) -> RLConfig:
    base = {
        "kind": "rl",
        "seed": 3,
        "rewards": {name: RewardTerm(1.0) for name in ("language", "format", "accuracy")},
        "optimizer": Optimizer(learning_rate=1e-3, warmup_steps=2),
        "sampling": Sampling(1.0, max_tokens=24),
        "max_steps": 6,
        "questions_per_step": 6,
        "samples_per_question": 4,
        "max_prompt_tokens": 200,
        "micro_batch": 7,
        "save_steps": 2,
    }
    return shipped(RLConfig, **(base | changes))


def test_a_stage_killed_at_any_moment_ends_as_if_it_had_never_stopped(
    speaking_inputs, make_context, tmp_path
):
    folders = {name: make_context(tmp_path / name) for name in CASES}
    ends = kill(
        [
            Case(config(**changes), speaking_inputs, folders[name], moment, step)
            for name, (changes, moment, step) in CASES.items()
        ],
        tmp_path / "cases.pickle",
    )
    assert ends == [-signal.SIGKILL] * len(CASES)
    wholes = {}
    for name, (changes, _, _) in CASES.items():
        kind = str(changes)
        if kind not in wholes:
            wholes[kind] = make_context(tmp_path / f"whole-{len(wholes)}")
            rl.run(config(**changes), speaking_inputs, wholes[kind])
        scramble_generators()
        rl.run(config(**changes), speaking_inputs, folders[name])
        assert curves(folders[name]) == curves(wholes[kind]), name
        assert_equal(weights(folders[name]), weights(wholes[kind]), name)
        assert verdicts(folders[name]) == verdicts(wholes[kind]), name
        if changes:  # what the case is about did happen
            points = curves(wholes[kind])
            assert sum(point.get("replaced_groups", 0) for point in points) > 0
            assert any(point.get("resting_prompts", 0) for point in points)
            assert not any(point["skipped_rows"] for point in points)  # the KL is for every row


def kill(cases: list[Case], file: Path) -> list[int]:
    """How each stage ended, run in a child of another process until its kill."""
    file.write_bytes(pickle.dumps(cases))
    script = Path(__file__).with_name("killed_rl.py")
    done = subprocess.run(
        [sys.executable, script, file], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def verdicts(context) -> dict:
    """How often each verifier said what, over all steps."""
    counts = json.loads((context.output / "verdicts.json").read_text())
    assert counts["rows"] > 0
    return {name: counts[name] for name in ("rows", "verdicts")}


def curves(context) -> list[dict[str, float]]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    points = [json.loads(line) for line in lines]
    return [{k: v for k, v in point.items() if k not in NOT_EXACT} for point in points]


def weights(context):
    return load_file(context.output / "model" / "model.safetensors")


def scramble_generators() -> None:
    """A new process has other generators."""
    torch.manual_seed(random.randrange(2**31))
    numpy.random.seed(random.randrange(2**31))


def assert_equal(found, right, name) -> None:
    assert found.keys() == right.keys()
    differ = [key for key in right if not torch.equal(found[key], right[key])]
    assert not differ, name
