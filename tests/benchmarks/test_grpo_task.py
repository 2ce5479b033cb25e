"""benchmarks.grpo gives the plain TRL script the numbers of the profile that our stage has."""

from __future__ import annotations

import pytest

from benchmarks.tasks_grpo import arguments, order, stage_config


@pytest.mark.parametrize(("profile", "batch", "steps"), [("tiny", 256, 1), ("one_gpu", 256, 2)])
def test_both_train_on_the_same_batches_at_the_same_learning_rate(profile, batch, steps, tmp_path):
    config = stage_config([f"profile={profile}"])
    found = arguments(config, 4, 7, tmp_path)
    a_step = found["per_device_train_batch_size"] * found["gradient_accumulation_steps"]
    assert a_step == config.questions_per_step * config.samples_per_question == batch
    assert found["steps_per_generation"] == steps * found["gradient_accumulation_steps"]
    assert found["learning_rate"] == config.optimizer.learning_rate
    assert found["max_completion_length"] == config.sampling.max_tokens
    assert len(order(config, 50, 4, 7)) == 4 * config.questions_per_step
