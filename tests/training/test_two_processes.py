"""Two processes train what one trains: through the real launcher, on CPUs, with gloo.

The same rows are summed in another order, so single numbers differ by fp32 rounding. TOLERANCE is
relative: fp32 keeps 6e-8, a loss or a gradient is a sum of some thousand terms, and every step
starts from weights that the steps before have already rounded apart. Measured after nine steps:
below 1e-5. A wrong row, seed or weight in a step moves its loss by more than 1e-2.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from pipeline.identity import InputIdentity, digest_of
from pipeline.launchers.job import Job, Outcome
from pipeline.launchers.local import LocalLauncher
from pipeline.plan import Wanted
from pipeline.store import Store
from stages.kinds.rl.config import Importance, LengthSwitch, RewardTerm, RLConfig, Validation
from stages.kinds.sft.kind import SFTConfig
from stages.registry import PRELOAD, REGISTRY
from stages.settings.generation import Rollout, Sampling
from stages.settings.training import Lora, Optimizer
from stages.tiny.problems import generate
from tests.shipped import shipped

TOLERANCE = 1e-4
SECONDS = 400.0

Inputs = Mapping[str, Any]


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalLauncher]:
    modules = ["pipeline.launchers.child", "stages.registry", *PRELOAD]
    log = tmp_path_factory.mktemp("launcher") / "preload.log"
    launcher = LocalLauncher(modules, log, print)
    yield launcher
    launcher.stop(grace=1.0)


class Runs:
    """Starts stages on the same inputs, each in a store of its own."""

    def __init__(self, launcher: LocalLauncher, folder: Path) -> None:
        self.launcher = launcher
        self.folder = folder

    def start(self, kind: str, config: Any, inputs: Inputs, name: str, processes: int) -> Path:
        """Start a stage; returns its work folder."""
        store = Store(self.folder / name)
        found = []
        for edge, artifacts in inputs.items():
            for artifact in artifacts:
                target = store.path(artifact.stage, artifact.fingerprint)
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    target.symlink_to(artifact.path)
                found.append(InputIdentity(edge, artifact.stage, artifact.fingerprint))
        wanted = Wanted(digest_of({"name": kind}), {}, tuple(found))
        job = Job(
            *(kind, REGISTRY[kind], config, {}, wanted, "stages.registry:REGISTRY", store.root),
            *(self.folder / f"{name}.log", self.folder / name, 1),
            processes=processes,
        )
        self.launcher.start(job)
        return store.work(kind, wanted.fingerprint)

    def end(self) -> Outcome:
        """How the stage that runs ended."""
        deadline = time.monotonic() + SECONDS
        while not (ended := self.launcher.wait(1.0)):
            assert time.monotonic() < deadline
        return ended[0][1]

    def __call__(self, *what: Any) -> Path:
        """Run a stage to its end; returns its artifact's folder."""
        self.start(*what)
        outcome = self.end()
        log = self.folder / f"{what[3]}.log"
        assert outcome.state == "finished", f"{outcome.message}\n{log.read_text()[-3000:]}"
        return next((self.folder / what[3] / what[0]).glob("*/manifest.json")).parent


@pytest.fixture
def runs(launcher: LocalLauncher, tmp_path: Path) -> Runs:
    return Runs(launcher, tmp_path / "runs")


def curve(artifact: Path, name: str) -> list[float]:
    lines = (artifact / "metrics.jsonl").read_text().splitlines()
    return [point[name] for point in map(json.loads, lines) if name in point]


def assert_same(two: Path, one: Path, *names: str) -> None:
    for name in names:
        assert curve(two, name), name
        assert curve(two, name) == pytest.approx(curve(one, name), rel=TOLERANCE, abs=1e-6), name
    ours, theirs = (load_file(path / "model" / "model.safetensors") for path in (two, one))
    for key, value in theirs.items():
        assert (ours[key] - value).abs().max() < TOLERANCE, key


def sft(**changes: Any) -> SFTConfig:
    """13 rows in batches of 6, so that the last step of an epoch is short."""
    values: dict[str, Any] = {
        "kind": "sft",
        "optimizer": Optimizer(learning_rate=1e-3, lr_final=1e-4, schedule="cosine"),
        "epochs": 2.0,
        "batch_size": 6,
        "max_length": 64,
        "micro_batch": 6,
        "save_steps": 2,
        "seed": 3,
    }
    return shipped(SFTConfig, **{**values, **changes})


def rl(**changes: Any) -> RLConfig:
    values: dict[str, Any] = {
        "kind": "rl",
        "seed": 3,
        "rewards": {"language": RewardTerm(1.0), "format": RewardTerm(1.0)},
        "optimizer": Optimizer(learning_rate=1e-3),
        "sampling": Sampling(1.0, max_tokens=16),
        "max_steps": 4,
        "questions_per_step": 4,
        "samples_per_question": 4,
        "max_prompt_tokens": 200,
        "micro_batch": 5,
        "save_steps": 2,
        "checking_words": ["wait"],
    }
    return shipped(RLConfig, **{**values, **changes})


@pytest.fixture
def conversations(make_artifact: Callable[..., Any], tiny_model_dir: Path) -> Inputs:
    rows = [
        {
            "id": f"r{n}",
            "domain": "math",
            "language": "en",
            "prompt": [{"role": "user", "content": f"{n} + {n} = ?"}],
            "completion": f"<think>{'1 + ' * (n % 5)}</think><answer>{2 * n}</answer>",
            "source": "tiny",
        }
        for n in range(13)
    ]
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    return {"init_from": (base,), "data_from": (make_artifact("conversations", "rows", rows),)}


@pytest.fixture
def problems(speaking_inputs: Inputs) -> Inputs:
    return speaking_inputs


def seven() -> list[dict[str, Any]]:
    """Every other has an answer that the model gives."""
    rows = generate("math", "en", 7, 0, "settling")
    return [row | {"reference": "7.0"} if i % 2 else row for i, row in enumerate(rows)]


def test_sft_in_two_processes_has_the_losses_of_one(runs: Runs, conversations: Inputs) -> None:
    one = runs("sft", sft(), conversations, "one", 1)
    two = runs("sft", sft(), conversations, "two", 2)
    assert len(curve(one, "loss")) == 6
    assert_same(two, one, "loss", "grad_norm", "learning_rate")


def test_grpo_in_two_processes_samples_and_learns_what_one_does(
    runs: Runs, problems: Inputs, make_artifact: Callable[..., Any]
) -> None:
    """And what it is asked on the way: 7 problems, 4 by one process and 3 by the other."""
    config = rl(validation=shipped(Validation, every=3, samples=2))
    inputs = {**problems, "validate_on": (make_artifact("problems", "valid", seven()),)}
    one = runs("rl", config, inputs, "one", 1)
    two = runs("rl", config, inputs, "two", 2)
    assert len(curve(one, "loss")) == 4
    assert max(map(abs, curve(one, "loss"))) > 0
    assert curve(two, "length") == curve(one, "length"), "the same completions"
    assert len(curve(one, "validation/length")) == 3  # before, after 3 steps and after the last
    for name in ("accuracy", "cons_at_k", "length", "format"):
        assert curve(two, f"validation/{name}") == curve(one, f"validation/{name}"), name
    assert_same(two, one, "loss", "grad_norm", "reward", "format")


@pytest.mark.parametrize("sharing", [1, 2])
def test_engines_of_a_gang_draw_ahead_what_that_of_one_process_draws(
    runs: Runs, problems: Inputs, sharing: int
) -> None:
    """Each process with an engine of its own, or both with one, as with GPUs that it spans."""
    ahead = {"rollout_ahead": 1, "importance": Importance("token_truncate", None, 2.0)}
    shared = shipped(Rollout, tensor_parallel_size=sharing)
    one = runs("rl", rl(**ahead), problems, "one", 1)
    two = runs("rl", rl(**ahead, rollout=shared), problems, "two", 2)
    assert curve(two, "length") == curve(one, "length"), "the same completions"
    assert max(curve(two, "sampling_logp_difference")) < 1e-5
    assert_same(two, one, "loss", "grad_norm", "reward")


def test_two_processes_cut_a_rollout_at_the_same_step_as_one(runs: Runs, problems: Inputs) -> None:
    """The weights stay, as each process shuffles its own part of a rollout into steps."""
    config = rl(
        optimizer=Optimizer(learning_rate=0.0),
        steps_per_rollout=4,
        save_steps=4,
        length_switches=[LengthSwitch(3, 24)],
    )
    one = runs("rl", config, problems, "one", 1)
    two = runs("rl", config, problems, "two", 2)
    lengths = curve(one, "length")
    assert len(lengths) == 2
    assert lengths[1] > lengths[0]
    assert_same(two, one, "length", "reward", "samples_spent")


def test_a_gang_that_is_killed_goes_on_to_the_same_weights(runs: Runs, problems: Inputs) -> None:
    """LoRA, whose checkpoint is of another sort; rank 1 is killed after the first checkpoint."""
    config = rl(lora=shipped(Lora, rank=4, alpha=8))
    whole = runs("rl", config, problems, "whole", 2)
    work = runs.start("rl", config, problems, "killed", 2)
    deadline = time.monotonic() + SECONDS
    while not list(work.glob("checkpoint-2/complete.json")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    leader = runs.launcher.running[0]._process.pid
    psutil.Process(leader).children()[1].kill()
    outcome = runs.end()
    assert outcome.message.startswith("rank 1 of 2: its process was ended by SIGKILL")
    resumed = runs("rl", config, problems, "killed", 2)
    assert curve(resumed, "loss") == curve(whole, "loss")
    weights = [load_file(path / "model" / "model.safetensors") for path in (resumed, whole)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[1])


def test_shards_are_gathered_for_a_rollout_and_meet_in_the_last_pass() -> None:
    script = Path(__file__).with_name("sharded_passes.py")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-3000:]
