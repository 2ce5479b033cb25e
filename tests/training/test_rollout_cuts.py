"""A schedule acts on the step that it names, inside a rollout of several steps too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from pipeline.errors import UsageError
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import (
    Algorithm,
    Curriculum,
    DynamicSampling,
    LengthSwitch,
    RewardTerm,
    RLConfig,
)
from stages.rewards.terms import build_terms
from stages.rl.arguments import grpo_arguments
from stages.rl.prompt_stream import PromptStream
from stages.rl.prompts import Prompt, prepare_prompts, starts
from stages.rl.schedule import Rollouts
from stages.rl.trainer import RecipeGRPOTrainer
from stages.rollout.decoding import ATTENTION
from stages.settings.generation import Sampling
from stages.settings.training import Optimizer
from stages.tiny.problems import generate
from stages.training import common
from tests.shipped import shipped

CONF = Path(__file__).resolve().parents[2] / "conf"
OLD_LIMIT, NEW_LIMIT = 4, 20
CHANGE = 6  # in the middle of the second rollout of four steps
STEPS = 10  # two steps of the third rollout
BATCH = 2 * 4


def config(**changes: Any) -> RLConfig:
    base: dict[str, Any] = {
        "kind": "rl",
        "seed": 3,
        "rewards": {"language": RewardTerm(1.0), "format": RewardTerm(1.0)},
        "optimizer": Optimizer(learning_rate=1e-3),
        "sampling": Sampling(1.0, max_tokens=OLD_LIMIT),
        "max_steps": STEPS,
        "questions_per_step": 2,
        "samples_per_question": 4,
        "steps_per_rollout": 4,
        "max_prompt_tokens": 200,
        "micro_batch": 3,
        "save_steps": 4,
    }
    return shipped(RLConfig, **(base | changes))


def algorithm(name: str) -> Algorithm:
    with initialize_config_dir(str(CONF / "algorithm"), version_base="1.3"):
        found = OmegaConf.to_container(compose(name))
    shipped = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Algorithm), found))
    assert isinstance(shipped, Algorithm)
    shipped.right = ["language"]
    return shipped


def curves(context: Any) -> list[dict[str, float]]:
    return [json.loads(line) for line in (context.work / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def trained_on(monkeypatch: Any) -> dict[int, dict[str, torch.Tensor]]:
    """The rows of each optimiser step that a trainer takes."""
    seen: dict[int, dict[str, torch.Tensor]] = {}
    prepare = RecipeGRPOTrainer._prepare_inputs

    def note(trainer: Any, *parts: Any) -> Any:
        seen[trainer.state.global_step] = rows = prepare(trainer, *parts)
        return rows

    monkeypatch.setattr(RecipeGRPOTrainer, "_prepare_inputs", note)
    return seen


@pytest.fixture
def two_domains(speaking_inputs: Any, make_artifact: Any) -> Any:
    """Ten questions of maths, fewer than a rollout may ask, and four general ones."""
    general = make_artifact("problems", "general", rows=generate("general", "en", 4, 0, "train"))
    return speaking_inputs | {"data_from": (*speaking_inputs["data_from"], general)}


def test_a_domain_and_a_length_come_in_at_their_step_and_not_one_rollout_later(
    two_domains: Any, make_context: Any, trained_on: Any
) -> None:
    context = make_context()
    settings = config(
        prompts_start={"general": CHANGE / STEPS},
        length_switches=[LengthSwitch(CHANGE, NEW_LIMIT)],
    )
    facts = rl.run(settings, two_domains, context).facts
    tokenizer = common.load_tokenizer(two_domains["init_from"][0].model_path)
    maths, _ = prepare_prompts(
        [row for language in ("en", "zh") for row in generate("math", language, 5, 0, "train")],
        tokenizer,
        settings,
    )
    known = {tuple(prompt.token_ids) for prompt in maths}

    def general(step: int) -> int:
        rows = zip(trained_on[step]["prompt_ids"], trained_on[step]["prompt_mask"], strict=True)
        return sum(tuple(ids[mask.bool()].tolist()) not in known for ids, mask in rows)

    def longest(step: int) -> int:
        return int(trained_on[step]["completion_mask"].sum(-1).max())

    assert sorted(trained_on) == list(range(STEPS))
    assert [general(step) for step in range(CHANGE)] == [0] * CHANGE
    assert general(CHANGE) + general(CHANGE + 1) > 0
    assert max(longest(step) for step in range(CHANGE)) == OLD_LIMIT
    assert min(longest(step) for step in range(CHANGE, STEPS)) > OLD_LIMIT
    drawn = [point for point in curves(context) if "length" in point]
    assert [point["step"] for point in drawn] == [1, 5, 7, 9]  # as logged, when they are done
    assert sum(point["samples_spent"] for point in drawn) == STEPS * BATCH == facts["samples_spent"]
    tokens = sum(int(rows["completion_mask"].sum()) for rows in trained_on.values())
    assert facts["tokens"] == pytest.approx(tokens, abs=1)


def test_a_reward_is_earned_from_its_step_on_and_not_one_rollout_later(
    speaking_inputs: Any, make_context: Any
) -> None:
    context = make_context()
    rewards = {"language": RewardTerm(1.0), "soft_format": RewardTerm(1.0, start=2, stop=0.7)}
    rl.run(config(rewards=rewards), speaking_inputs, context)
    drawn = [point for point in curves(context) if "length" in point]
    assert [point["step"] for point in drawn] == [1, 3, 5, 8, 9]
    assert [p["step"] for p in drawn if "reward/soft_format" in p] == [3, 5]


@pytest.mark.parametrize("name", ["dapo", "ppo", "rft", "star"])
def test_every_algorithm_goes_through_a_rollout_that_is_cut(
    name: str, speaking_inputs: Any, make_context: Any
) -> None:
    settings = config(
        algorithm=algorithm(name), max_steps=8, length_switches=[LengthSwitch(5, NEW_LIMIT)]
    )
    settings.algorithm.rounds = 2
    context = make_context()
    facts = rl.run(settings, speaking_inputs, context).facts
    drawn = [point for point in curves(context) if "length" in point]
    assert [point["step"] for point in drawn] == [1, 5, 6]
    second_tries = facts["samples_spent"] - 8 * BATCH - 4 * facts["replaced_groups"]
    assert second_tries == 0 or name == "star"


def test_dynamic_sampling_may_replace_as_large_a_share_of_a_part_as_of_a_whole(
    speaking_inputs: Any, make_context: Any
) -> None:
    context = make_context()
    settings = config(
        sampling=Sampling(
            1.0, max_tokens=1
        ),  # nothing can be told apart: all groups are without signal
        max_steps=8,
        length_switches=[LengthSwitch(CHANGE, 1)],
        dynamic_sampling=DynamicSampling(budget=0.5),
    )
    rl.run(settings, speaking_inputs, context)
    replaced = [p["replaced_groups"] for p in curves(context) if "replaced_groups" in p]
    assert replaced == [4, 2, 2]  # of 8, 4 and 4


def test_the_tokens_of_a_cut_rollout_are_weighed_by_its_own_size(
    speaking_model_dir: Path, make_context: Any
) -> None:
    """DAPO divides by the tokens of a rollout: over its steps equal tokens must weigh 1 a step."""
    settings = config(
        algorithm=shipped(Algorithm, loss_type="dapo"),
        length_switches=[LengthSwitch(CHANGE, NEW_LIMIT)],
    )
    tokenizer = common.load_tokenizer(speaking_model_dir)
    prompts, _ = prepare_prompts(generate("math", "en", 5, 0, "train"), tokenizer, settings)
    model = common.load_model(speaking_model_dir, ATTENTION)
    arguments = grpo_arguments(settings, make_context())
    terms = build_terms(
        {"format": RewardTerm(1.0)}, pool=cast(Any, None), scorers={}, total_steps=STEPS
    )
    trainer = RecipeGRPOTrainer(settings, model, tokenizer, prompts, terms, arguments, [])
    trainer.current_gradient_accumulation_steps = 1
    trainer.model.train()
    trainer._rollout = one_token_more_each_time(trainer)  # type: ignore[method-assign]
    for rollout in (range(4), range(4, 6), range(6, 8)):
        losses = []
        for step in rollout:
            trainer.state.global_step = step
            batch = trainer._prepare_inputs([{"prompt": ""}] * (4 * BATCH))
            assert len(batch["advantages"]) == BATCH
            losses.append(float(trainer._run_passes(trainer.model, batch, list(range(BATCH)))))
        assert sum(losses) == pytest.approx(-len(rollout), rel=1e-5)


def one_token_more_each_time(trainer: Any) -> Any:
    """A rollout of as many rows as are asked for, of different lengths, all of advantage 1."""

    def rollout(inputs: Any) -> dict[str, torch.Tensor]:
        lengths = torch.arange(1, len(inputs) + 1)
        mask = (torch.arange(len(inputs))[None] < lengths[:, None]).long()
        ones = torch.ones_like(mask)
        return {
            "prompt_ids": ones[:, :2],
            "prompt_mask": ones[:, :2],
            "completion_ids": ones,
            "completion_mask": mask,
            "sampling_per_token_logps": torch.zeros(mask.shape),
            "num_items_in_batch": mask.sum(),
            "advantages": torch.ones(len(inputs)),
        }

    return rollout


def test_prompts_that_wait_for_their_step_are_not_woken_where_others_run_short() -> None:
    stream = PromptStream(4, seed=1, curriculum=Curriculum())
    stream.hold({1: 6, 3: 6})
    assert set(stream.take(8, step=5)) == {0, 2}
    assert set(stream.take(8, step=6)) == {0, 1, 2, 3}


def test_prompts_that_all_wait_are_refused_with_the_key() -> None:
    waiting = shipped(RLConfig, max_steps=100, prompts_start={"general": 40})
    with pytest.raises(UsageError, match=r"prompts_start is \{'general': 40\}.*before step 40"):
        starts([Prompt({"domain": "general"}, "", [])], waiting)


def test_rollouts_are_whole_where_nothing_changes_and_never_longer_than_the_run() -> None:
    rollouts = Rollouts(steps=4, max_steps=10, cuts=(4, 5, 7))
    found = [rollouts.at(step) for step in range(10)]
    assert list(dict.fromkeys(found)) == [
        *(range(4), range(4, 5), range(5, 7), range(7, 8), range(8, 10)),
    ]
    assert all(step in rollout for step, rollout in enumerate(found))
    assert rollouts.inside() == [5, 7]
