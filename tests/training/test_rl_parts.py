"""What an RL step is made of: TRL's arguments, gradients, rewards, checkpoints, order."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from trl import GRPOTrainer

from pipeline.errors import RecipeError, UsageError
from stages.kinds.rl.config import Algorithm, LengthSwitch, RewardTerm, RLConfig
from stages.rewards.terms import build_terms
from stages.rl import batches, token_logps
from stages.rl.arguments import grpo_arguments
from stages.rl.batches import frozen_logps
from stages.rl.metrics import curves
from stages.rl.prompts import prepare_prompts
from stages.rl.rewards import weights_at, without_signal
from stages.rl.schedule import max_tokens_at
from stages.rl.trainer import RecipeGRPOTrainer
from stages.rollout.decoding import ATTENTION
from stages.settings.generation import Sampling
from stages.settings.training import Lora, Optimizer, Precision
from stages.tiny.problems import generate
from stages.training import common
from tests.shipped import shipped

PAPER = shipped(
    RLConfig,  # recipe of DeepSeek-R1: 2.1 and 3.2 of arXiv 2501.12948v2
    kind="rl",
    seed=0,
    optimizer=Optimizer(learning_rate=3e-6),
    sampling=Sampling(temperature=1.0, max_tokens=32768),
    max_steps=10400,
    questions_per_step=32,
    samples_per_question=16,
    steps_per_rollout=16,
    kl_coefficient=0.001,
    clip_low=10.0,
    clip_high=10.0,
    reference_sync_steps=400,
    max_prompt_tokens=2048,
    length_switches=[LengthSwitch(8200, 65536)],
    precision=Precision(bf16=True, gradient_checkpointing=True),
    micro_batch=4,
    save_steps=112,
)


def test_every_number_of_the_paper_reaches_the_trainer(make_context):
    arguments = grpo_arguments(PAPER, make_context())
    by_hand = {
        "learning_rate": 3e-6,
        "beta": 0.001,
        "epsilon": 10.0,
        "epsilon_high": 10.0,
        "num_generations": 16,
        "per_device_train_batch_size": 512,  # 16 outputs x 32 questions
        "generation_batch_size": 8192,
        "steps_per_generation": 16,
        "gradient_accumulation_steps": 1,
        "num_iterations": 1,
        "max_steps": 10400,
        "temperature": 1.0,
        "max_completion_length": 32768,
        "loss_type": "grpo",
        "scale_rewards": "group",
        "use_bias_correction_kl": False,
        "sync_ref_model": True,
        "ref_model_sync_steps": 400,
        "ref_model_mixup_alpha": 1.0,
        "bf16": True,
        "gradient_checkpointing": True,
        "lr_scheduler_type": "constant_with_warmup",
        "save_steps": 112,
        "save_total_limit": 2,
        "report_to": [],
    }
    assert {name: getattr(arguments, name) for name in by_hand} == by_hand


def test_the_length_limit_switches_at_its_step():
    assert [max_tokens_at(PAPER, step) for step in (0, 8199, 8200, 10399)] == [
        32768,
        32768,
        65536,
        65536,
    ]


def test_lora_leaves_the_sync_to_our_callback_because_trl_refuses_it(make_context):
    config = dataclasses.replace(PAPER, lora=shipped(Lora))
    assert not grpo_arguments(config, make_context()).sync_ref_model


def test_a_schedule_that_there_is_not_is_refused_by_name(make_context):
    optimizer = Optimizer(learning_rate=1e-6, schedule="step")
    with pytest.raises(UsageError, match="expected one of"):
        grpo_arguments(dataclasses.replace(PAPER, optimizer=optimizer), make_context())


def test_the_preference_rewards_of_the_paper_act_in_the_last_400_of_1700_steps():
    rewards = {"accuracy": RewardTerm(1.0), "format": RewardTerm(weight=0.5, start=1 - 400 / 1700)}
    terms = build_terms(rewards, pool=None, scorers={}, total_steps=1700)
    assert weights_at(terms, 1299).tolist() == [1.0, 0.0]
    assert weights_at(terms, 1300).tolist() == [1.0, 0.5]


def test_groups_with_equal_totals_give_no_signal_whatever_their_terms():
    nan = torch.nan
    rewards = torch.tensor(
        [
            *([1.0, 0.0], [0.0, 1.0]),  # equal totals from different terms
            *([1.0, 0.0], [1.0, 1.0]),
            *([0.1, 0.2], [0.1, 0.2]),  # equal, but their float mean is not
            *([nan, nan], [1.0, nan]),  # one cannot be judged: the other has none to compare
        ]
    )
    found = without_signal(rewards, torch.tensor([1.0, 1.0]), group=2)
    assert found.tolist() == [True, False, True, True]


@pytest.fixture
def trainer(tiny_model_dir, make_context, request):
    """A trainer whose rollout is made by hand: 3 prompts × 4 samples of different lengths."""
    changes = getattr(request, "param", {})
    config = shipped(
        RLConfig,
        kind="rl",
        seed=0,
        rewards={"format": RewardTerm(1.0)},
        optimizer=Optimizer(learning_rate=1e-3),
        sampling=Sampling(1.0, max_tokens=20),
        max_steps=1,
        questions_per_step=3,
        samples_per_question=4,
        max_prompt_tokens=200,
        micro_batch=3,
        kl_rows=0,
        **changes,
    )
    tokenizer = common.load_tokenizer(tiny_model_dir)
    rows = [row for language in ("en", "zh") for row in generate("logic", language, 3, 0, "train")]
    prompts, _ = prepare_prompts(rows, tokenizer, config)
    terms = build_terms(config.rewards, pool=None, scorers={}, total_steps=1)
    model = common.load_model(tiny_model_dir, ATTENTION)
    arguments = grpo_arguments(config, make_context())
    trainer = RecipeGRPOTrainer(config, model, tokenizer, prompts, terms, arguments, [])
    trainer.current_gradient_accumulation_steps = 1
    return trainer


def rollout(trainer) -> dict[str, torch.Tensor]:
    """Advantages as of three groups: with signal, without, with."""
    inputs = [trainer.train_dataset[i // 4] for i in range(12)]
    lengths = [3, 20, 7, 11, 5, 5, 2, 9, 1, 13, 6, 17]
    batch = trainer._generate_and_score_completions(inputs)
    mask = torch.arange(20) < torch.tensor(lengths)[:, None]
    batch["completion_mask"] = mask.long()
    batch["num_items_in_batch"] = mask.sum()
    batch["advantages"] = torch.tensor([1.5, -0.5, -0.5, -0.5, 0, 0, 0, 0, 0.9, -0.9, 0.9, -0.9])
    generator = torch.Generator().manual_seed(1)
    noise = 0.3 * torch.randn(12, 20, generator=generator)  # an older policy: ratios around 1
    batch["old_per_token_logps"] = batch["sampling_per_token_logps"] + noise
    return batch


def gradients(trainer) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None])


def plain_gradients(trainer, batch) -> tuple[torch.Tensor, torch.Tensor]:
    """TRL's own loss on the whole padded batch, zero advantages and all."""
    trainer.model.zero_grad()
    with pytest.MonkeyPatch.context() as patch:
        ours = "_get_per_token_logps_and_entropies"
        patch.setattr(RecipeGRPOTrainer, ours, getattr(GRPOTrainer, ours))
        loss = trainer._compute_loss(trainer.model, batch)
    loss.backward()
    return loss.detach(), gradients(trainer)


NAMES = ("grpo", "bnpo", "dr_grpo", "dapo", "luspo")
LOSSES = [{"algorithm": shipped(Algorithm, loss_type=name)} for name in NAMES]


WITH_KL = {"kl_coefficient": 0.1}
RECOMPUTED = {"precision": Precision(gradient_checkpointing=True)}  # prompts cannot be shared


@pytest.mark.parametrize("trainer", [*LOSSES, WITH_KL, RECOMPUTED], indirect=True, ids=str)
def test_chunks_shared_prompts_and_skipped_rows_leave_the_gradient_as_it_was(trainer):
    assert trainer.sharing != trainer.args.gradient_checkpointing
    batch = rollout(trainer)
    expected_loss, expected = plain_gradients(trainer, batch)
    trainer.model.zero_grad()
    rows = trainer._rows_with_signal(batch)
    loss = trainer._run_passes(trainer.model, batch, rows)
    assert rows == (list(range(12)) if trainer.beta else [0, 1, 2, 3, 8, 9, 10, 11])
    torch.testing.assert_close(loss, expected_loss, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(gradients(trainer), expected, atol=1e-6, rtol=1e-4)
    assert expected.abs().max() > 1e-3


@pytest.mark.parametrize("trainer", [{}, WITH_KL, RECOMPUTED], indirect=True, ids=str)
def test_rows_whose_logits_would_be_too_many_have_the_same_gradient_without_them(
    trainer, monkeypatch
):
    batch = rollout(trainer)
    policy, heat = trainer.policy, trainer.temperature
    scored = frozen_logps(policy, batch, heat, rows_at_most=5)
    found = []
    for most in (2**27, 1):
        monkeypatch.setattr(token_logps, "CHUNK_LOGITS", most)
        trainer.model.zero_grad()
        loss = trainer._run_passes(trainer.model, batch, trainer._rows_with_signal(batch))
        found.append((loss, gradients(trainer)))
    torch.testing.assert_close(found[1], found[0], atol=1e-6, rtol=1e-4)
    wide = frozen_logps(policy, batch, heat, rows_at_most=5)
    torch.testing.assert_close(wide, scored, atol=1e-5, rtol=1e-5)
    monkeypatch.setattr(batches, "can_share", lambda model: False)
    whole = frozen_logps(policy, batch, heat, rows_at_most=5)
    torch.testing.assert_close(whole, scored, atol=1e-5, rtol=1e-5)


def test_the_gradient_of_an_on_policy_step_is_written_out_by_hand(trainer):
    """−A · mean over the completion of ∇ log p, averaged over all 12 completions."""
    batch = rollout(trainer)
    del batch["old_per_token_logps"]
    trainer.model.zero_grad()
    trainer._run_passes(trainer.model, batch, trainer._rows_with_signal(batch))
    found = gradients(trainer)
    trainer.model.zero_grad()
    for row in range(12):
        prompt = batch["prompt_ids"][row][batch["prompt_mask"][row] == 1]
        completion = batch["completion_ids"][row][batch["completion_mask"][row] == 1]
        ids = torch.cat([prompt, completion])[None]
        logps = trainer.model(input_ids=ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        chosen = logps.gather(-1, completion[:, None]).mean()
        (-batch["advantages"][row] * chosen / 12).backward()
    torch.testing.assert_close(found, gradients(trainer), atol=1e-6, rtol=1e-4)


def test_a_loss_that_is_not_finite_stops_before_the_weights_change(trainer):
    batch = rollout(trainer)
    batch["advantages"][0] = torch.nan
    trainer._prepare_inputs = lambda inputs: batch
    with pytest.raises(RecipeError, match=r"loss of step 1 is nan.*Lower optimizer.learning_rate"):
        trainer.training_step(trainer.model, [])


def test_what_trl_logs_is_a_curve_by_our_name_or_its_own() -> None:
    logged = {"rewards/accuracy/mean": 0.5, "rewards/accuracy/std": 0.1, "clip_ratio/low_mean": 0.2}
    named = {"reward/accuracy": 0.5, "reward_std/accuracy": 0.1, "accuracy": 0.5}
    assert curves(logged) == named | {"clip_ratio/low_mean": 0.2}
    assert curves({"completions/mean_length": 9.0, "kl": None}) == {"length": 9.0}
