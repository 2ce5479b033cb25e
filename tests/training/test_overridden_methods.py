"""The private methods of TRL and transformers that our trainers override, all of them.

Nothing promises that they stay. Where a new version takes other parameters, the test says which;
whoever changes them here looks at what the override makes of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from transformers import Trainer
from trl import DistillationTrainer, GRPOTrainer, SFTTrainer

from stages.reward_models.trainers import PairwiseTrainer, PointwiseTrainer
from stages.rl.algorithms.offline import OfflineTrainer, PreferenceTrainer, RoundTrainer
from stages.rl.algorithms.ppo import PPOTrainer
from stages.rl.distiller import OnPolicyDistiller
from stages.rl.trainer import RecipeGRPOTrainer
from stages.supervised.trainer import PackedSFTTrainer

TRAINERS: tuple[type[Trainer], ...] = (
    *(RecipeGRPOTrainer, PPOTrainer, OfflineTrainer, PreferenceTrainer, RoundTrainer),
    *(OnPolicyDistiller, PackedSFTTrainer, PairwiseTrainer, PointwiseTrainer),
)

GRPO = {
    # a rollout: stages/rl/trainer.py, rollout.py, algorithms/
    "_prepare_inputs": "generation_batch",
    "_generate_and_score_completions": "inputs",
    "_tokenize_prompts": "prompts",
    "_generate_single_turn": (
        "prompt_ids images multimodal_fields num_generations has_tool_images"
    ),
    "_calculate_rewards": "inputs prompts completions completion_ids_list",
    # the loss: log_probabilities.py; the others are of images, and go on as they come
    "_get_per_token_logps_and_entropies": "model input_ids attention_mask logits_to_keep …",
    # a resume: stages/rl/resume.py, algorithms/
    "_save_checkpoint": "model trial",
    "_load_optimizer_and_scheduler": "checkpoint",
    "_load_from_checkpoint": "resume_from_checkpoint model",
}
DISTILLATION = {
    "_tokenize_prompts": "prompts",
    "_generate_single_turn": "prompt_ids images multimodal_fields has_tool_images",
}
SFT = {"_get_train_sampler": "train_dataset"}
OVERRIDDEN: dict[type[Trainer], dict[str, str]] = {
    GRPOTrainer: GRPO,
    DistillationTrainer: DISTILLATION,
    SFTTrainer: SFT,
}


@pytest.mark.parametrize(
    ("base", "method", "taken"),
    [(base, name, taken) for base, names in OVERRIDDEN.items() for name, taken in names.items()],
)
def test_a_private_method_takes_what_our_override_expects(
    base: type[Trainer], method: str, taken: str
) -> None:
    expected, more = taken.removesuffix(" …").split(), taken.endswith("…")
    found = list(inspect.signature(getattr(base, method)).parameters)[1:]
    assert (found[: len(expected)] if more else found) == expected


@pytest.mark.parametrize("trainer", TRAINERS)
def test_every_private_method_that_a_trainer_overrides_is_in_the_list(
    trainer: type[Trainer],
) -> None:
    listed = {
        name for base, names in OVERRIDDEN.items() if issubclass(trainer, base) for name in names
    }
    assert set(overridden(trainer)) <= listed


def overridden(trainer: type) -> Iterator[str]:
    ours = [owner for owner in trainer.__mro__ if owner.__module__.startswith("stages.")]
    theirs = [owner for owner in trainer.__mro__ if owner not in ours and owner is not object]
    for owner in ours:
        for name in vars(owner):
            private = name.startswith("_") and not name.startswith("__")
            if private and any(callable(vars(other).get(name)) for other in theirs):
                yield name
