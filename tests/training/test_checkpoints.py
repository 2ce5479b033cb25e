"""What a kill, a crash or a NaN leaves: the last good checkpoint, and from there the same run."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import Parameter
from transformers import AutoModelForCausalLM, AutoTokenizer

from pipeline.errors import StageFailed
from stages.kinds.reward_model import run as reward_model
from stages.kinds.reward_model.kind import RewardModelConfig
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import RewardTerm, RLConfig
from stages.kinds.sft import run as sft
from stages.kinds.sft.kind import SFTConfig
from stages.settings.generation import Sampling
from stages.settings.training import Optimizer
from stages.tiny.problems import generate
from stages.tiny.tokenizer import save_tokenizer
from stages.training import checkpoints, common
from tests.shipped import shipped

NOT_EXACT = ("time", "tokens_per_second", "step_seconds")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A work folder with two whole checkpoints."""
    for step in (2, 4):
        checkpoint = tmp_path / f"checkpoint-{step}"
        (checkpoint / "adapter").mkdir(parents=True)
        (checkpoint / "optimizer.pt").write_bytes(bytes([step]) * 1000)
        (checkpoint / "adapter" / "weights").write_bytes(b"abc")
        checkpoints.mark_complete(checkpoint)
    return tmp_path


def test_the_newest_whole_checkpoint_is_taken(folder: Path) -> None:
    assert checkpoints.last(folder) == folder / "checkpoint-4"
    assert checkpoints.last(folder / "checkpoint-4") is None
    assert checkpoints.kept_words(folder) == "checkpoint-4 is kept."


@pytest.mark.parametrize(
    ("harm", "name"),
    [
        (lambda path: path.write_bytes(bytes(1000)), "optimizer.pt"),  # as after a power cut
        (lambda path: path.write_bytes(b"\4" * 999), "optimizer.pt"),
        (lambda path: path.write_bytes(b"abd"), "adapter/weights"),
        (lambda path: path.unlink(), "adapter/weights"),
        (lambda path: path.write_bytes(b"new"), "rng_state.pth"),
        (lambda path: path.unlink(), "complete.json"),
        (lambda path: path.write_bytes(bytes(200)), "complete.json"),
        (lambda path: path.write_text('{"optimizer.pt": 1000}'), "complete.json"),
        (lambda path: path.write_text("[" * 9999), "complete.json"),
        (lambda path: path.write_text("null"), "complete.json"),
    ],
    ids=[
        *("zeros", "short", "bit", "gone", "extra", "unmarked"),
        *("list-zeros", "list-other", "list-deep", "list-null"),
    ],
)
def test_a_harmed_checkpoint_is_removed_and_the_one_before_is_taken(
    folder: Path, harm: Any, name: str
) -> None:
    harm(folder / "checkpoint-4" / name)
    assert checkpoints.last(folder) == folder / "checkpoint-2"
    assert not (folder / "checkpoint-4").exists()


def test_what_only_looks_like_a_checkpoint_is_moved_out_of_the_trainers_way(folder: Path) -> None:
    for name in ("checkpoint-99-old", "checkpoint-best", "checkpoint-", "checkpoint-007"):
        (folder / name).mkdir()
    (folder / "checkpoint-8").write_text("no folder")
    (folder / "checkpoint-9").symlink_to(folder / "checkpoint-9")
    assert checkpoints.kept_words(folder) == "checkpoint-4 is kept."
    assert checkpoints.last(folder) == folder / "checkpoint-4"
    assert {p.name for p in folder.glob("checkpoint-*")} == {"checkpoint-2", "checkpoint-4"}
    (stray,) = folder.glob("stray-checkpoint-8-*")
    assert stray.read_text() == "no folder"


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the stage's own code runs after it."""


def run_until_killed(stage: Any, step: int, monkeypatch: pytest.MonkeyPatch, *parts: Any) -> None:
    class Killer(common.StageCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == step:  # its checkpoint, if it has one, is not written yet
                raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(stage, "StageCallback", Killer)
        with pytest.raises(Killed):
            stage.run(*parts)


def curves(context: Any) -> list[dict[str, float]]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    points = [json.loads(line) for line in lines]
    return [{k: v for k, v in point.items() if k not in NOT_EXACT} for point in points]


def conversations() -> list[dict[str, Any]]:
    return [
        {
            "id": f"r{number}",
            "domain": "math",
            "language": "en",
            "prompt": [{"role": "user", "content": f"{number} + 1 = ?"}],
            "completion": f"<think>{'7 ' * (number % 4)}</think><answer>{number}</answer>",
            "source": "tiny",
        }
        for number in range(18)
    ]


def labels() -> list[dict[str, Any]]:
    return [
        {
            "id": f"l{number}",
            "prompt": [{"role": "user", "content": f"Question {number}?"}],
            "completion": f"<think>{number}</think><answer>{'yes ' * (number % 3)}</answer>",
            "label": number % 2,
            "source": "tiny",
        }
        for number in range(20)
    ]


COMMON: dict[str, Any] = {  # 18 rows, 4 a step: five steps an epoch, the last of them short
    "optimizer": Optimizer(learning_rate=1e-3, warmup_steps=2),
    "epochs": 3.0,
    "batch_size": 4,
    "micro_batch": 2,
    "max_length": 64,
    "save_steps": 4,
    "seed": 3,
}
SFT = (sft, shipped(SFTConfig, **COMMON), "conversations", conversations())
SAFETY = (
    reward_model,
    shipped(
        RewardModelConfig, **COMMON, objective="pointwise", scores="response", heldout_fraction=0.1
    ),
    "labels",
    labels(),
)


@pytest.mark.parametrize(
    ("case", "steps"),
    [(SFT, (3, 6, 10, 13)), (SAFETY, (8, 14))],
    ids=["sft", "pointwise"],
)
def test_killed_at_any_step_of_any_epoch_a_stage_comes_to_the_same_bits(
    case: Any,
    steps: tuple[int, ...],
    tiny_model_dir: Path,
    make_artifact: Any,
    make_context: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage, config, type_, rows = case
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    data = make_artifact(type_, "data", rows=rows)
    inputs = {"init_from": (base,), "data_from": (data,)}
    whole, broken = (make_context(tmp_path / name, seed=3) for name in ("whole", "broken"))
    stage.run(config, inputs, whole)
    for step in steps:  # before the first checkpoint, in later epochs, at the end of one
        run_until_killed(stage, step, monkeypatch, config, inputs, broken)
        torch.manual_seed(random.randrange(2**31))  # a new process has other generators
    zeros = broken.work / "checkpoint-12" / "optimizer.pt"
    zeros.write_bytes(bytes(zeros.stat().st_size))
    (broken.work / "metrics.jsonl").write_bytes(b"\xff")
    stage.run(config, inputs, broken)
    assert len(curves(whole)) == 15
    assert curves(broken) == curves(whole)
    expected = load_file(whole.output / "model" / "model.safetensors")
    found = load_file(broken.output / "model" / "model.safetensors")
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    kept = sorted(path.name for path in broken.work.glob("checkpoint-*"))
    assert kept == ["checkpoint-12", "checkpoint-15"]


@pytest.fixture
def poisoned(tiny_model_dir: Path, tmp_path: Path) -> Path:
    """The tiny model, which has learnt NaN for the letter Q and nothing else."""
    model = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    model.config.tie_word_embeddings = False
    model.lm_head.weight = Parameter(model.lm_head.weight.detach().clone())
    [letter] = tokenizer("Q", add_special_tokens=False).input_ids
    with torch.no_grad():
        model.model.embed_tokens.weight[letter] = torch.nan
    model.save_pretrained(tmp_path / "poisoned")
    save_tokenizer(tokenizer, tmp_path / "poisoned")
    return tmp_path / "poisoned"


def bad_rows(context: Any) -> Iterator[dict[str, Any]]:
    for line in (context.work / "bad_batch.jsonl").read_text().splitlines():
        yield json.loads(line)


def test_a_loss_that_is_nan_stops_sft_and_shows_the_rows_of_its_step(
    poisoned: Path, make_artifact: Any, make_context: Any
) -> None:
    base = make_artifact("model", "base", model_dir=poisoned)
    rows = conversations()
    rows[7]["completion"] = "<think>Q</think><answer>Q</answer>"
    data = make_artifact("conversations", "data", rows=rows)
    context = make_context(seed=3)
    config = shipped(SFTConfig, **COMMON | {"save_steps": 1})
    with pytest.raises(StageFailed) as error:
        sft.run(config, {"init_from": (base,), "data_from": (data,)}, context)
    last = checkpoints.last(context.work)
    assert last is not None
    step = checkpoints.step_of(last) + 1
    assert f"the loss of step {step} is nan" in str(error.value)
    assert f"{last.name} is kept. Look at these rows" in str(error.value)
    assert str(context.work / "bad_batch.jsonl") in str(error.value)
    shown = list(bad_rows(context))
    assert len(shown) <= 4
    [bad] = [row for row in shown if "Q" in row["text"]]
    assert bad["row"] == "r7"
    assert bad["text"].startswith("<|user|>7 + 1 = ?")
    assert bad["tokens"] == len(AutoTokenizer.from_pretrained(poisoned)(bad["text"]).input_ids)


#: The curves of every RL stage that the rules of conf/health read.
RULED = {
    *("zero_signal_share", "entropy", "length", "truncation", "completion_repetition"),
    *("kl", "grad_norm", "sampling_logp_difference"),
}


def test_a_loss_that_is_nan_stops_rl_and_shows_prompts_completions_and_rewards(
    tiny_model_dir: Path, make_artifact: Any, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Poison(common.StageCallback):
        """Spoils a weight inside a block, where nothing is sampled between two steps."""

        def on_step_begin(
            self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
        ) -> None:
            if state.global_step == 3:
                next(model.parameters()).data[0, 0] = torch.nan

    monkeypatch.setattr(rl, "StageCallback", Poison)
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    problems = generate("math", "en", 6, 0, "train")
    data = make_artifact("problems", "problems", rows=problems)
    context = make_context(seed=3)
    config = shipped(
        RLConfig,
        kind="rl",
        seed=3,
        rewards={"language": RewardTerm(1.0)},
        optimizer=Optimizer(learning_rate=1e-3),
        sampling=Sampling(1.0, max_tokens=12),
        max_steps=6,
        questions_per_step=3,
        samples_per_question=4,
        steps_per_rollout=2,
        kl_coefficient=0.01,  # so that rows without a signal are run, too
        max_prompt_tokens=200,
        save_steps=2,
    )
    with pytest.raises(StageFailed, match="the loss of step 4 is nan") as error:
        rl.run(config, {"init_from": (base,), "data_from": (data,)}, context)
    assert "checkpoint-2 is kept. Lower optimizer.learning_rate" in str(error.value)
    assert checkpoints.last(context.work) == context.work / "checkpoint-2"
    assert set(curves(context)[0]) >= RULED
    shown = list(bad_rows(context))
    assert len(shown) == 3 * 4
    assert {row["row"] for row in shown} <= {problem["id"] for problem in problems}
    assert all(row["rewards"].keys() == {"language"} for row in shown)
    assert all(row["prompt"] and row["tokens"] <= 12 for row in shown)
