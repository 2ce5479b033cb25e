"""Reinforcement learning by GRPO: R1-Zero, reasoning RL and the final RL (paper, 2 and 3.2).

The paper samples 16 answers to each of 32 questions per step, 8,192 outputs per rollout in 16
minibatches, rewards by rule (later with reward models), KL 0.001 to a reference that the policy
replaces every 400 steps. All of that is configuration; see conf/stage/_rl.yaml.

A stage first proves its verifiers on its own reference answers, unless a stage before it has
(stages/rl/problems.py), then drops prompts that are too long, trains, and publishes the policy. On
the way it is asked problems that it does not learn from, where `validate_on` names some
(stages/rl/validation.py). Another engine trains it where `engine` names one (elsewhere.py).

Killed at any moment it goes on from its last complete checkpoint, to the
same weights and curves, bit for bit on one CPU thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from peft import get_peft_model
from transformers import PrinterCallback, TrainerCallback, set_seed

from pipeline.artifact import Inputs, of_type
from pipeline.context import Context
from pipeline.kinds import Outputs
from stages.kinds.rl import elsewhere
from stages.kinds.rl.config import RLConfig
from stages.kinds.rl.facts import facts_of
from stages.kinds.rl.prepare import begin, terms_of
from stages.models.folder import brings_code
from stages.rewards.terms import Term
from stages.rl import validation
from stages.rl.adapter_reference import AdapterSync
from stages.rl.algorithms.trainers import trainer_for
from stages.rl.arguments import grpo_arguments
from stages.rl.engine_devices import NOTHING, Own, set_apart
from stages.rl.prompts import (
    Prompt,
    earlier_rates,
    starts,
)
from stages.rl.trainer import RecipeGRPOTrainer
from stages.rl.verdict_counts import VerdictCounts
from stages.rollout.decoding import ATTENTION
from stages.settings.engine import TRL
from stages.training import compute
from stages.training.arguments import lora_config
from stages.training.common import StageCallback, load_model, train
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import require_references


def run(config: RLConfig, inputs: Inputs, context: Context) -> Outputs:
    """Train the model of `init_from` on the problems of `data_from`."""
    if config.engine.name != TRL:
        return elsewhere.run(config, inputs, context)
    own = Own(set_apart(config.rollout, config.rollout_ahead), context.engines)
    begun = begin(config, inputs, context)
    source, tokenizer, prompts = begun.source, begun.tokenizer, begun.prompts
    judging = replace(config.verifiers, policy=config.validation.policy)
    with VerifierPool.of(config.verifiers) as pool, VerifierPool.of(judging) as judges:
        require_references(begun.problems.unproved(prompts), pool, f"stage {context.stage}")
        terms = terms_of(config, inputs, prompts, pool, context.stage)
        counts = VerdictCounts(pool, context.work)
        trainer = _trainer(config, source, tokenizer, prompts, terms, context, counts, own)
        trainer.stream.start_from(earlier_rates(of_type(inputs, "data_from", "samples"), prompts))
        trainer.stream.hold(starts(prompts, config))
        cost = _cost(config, trainer)
        for other in inputs.get("compute_as", ()):
            budget = compute.budget_of(other, f"stages.{context.stage}.compute_as")
            trainer.add_callback(compute.ComputeBudget(budget, cost.per_token * cost.parameters))
        held_out = validation.held_out(config, inputs, tokenizer, prompts, context.stage)
        trainer.add_callback(validation.Validator(held_out.jobs, judges, trainer, context))
        with closing(trainer):
            health = train(trainer, tokenizer, context, config.health, config.precision.bf16)
        pool.tally.write(context.output)
    points = context.points()
    facts = {
        **facts_of(config, points, trainer.state.global_step),
        **validation.facts(held_out, config, points),
        "compute": cost.facts(trainer.state.num_input_tokens_seen),
        "health": health,
    }
    return Outputs(facts=facts, funnel=begun.funnel)


def _trainer(
    config: RLConfig,
    source: Path,
    tokenizer: Any,
    prompts: Sequence[Prompt],
    terms: Sequence[Term],
    context: Context,
    counts: VerdictCounts,
    own: Own = NOTHING,
) -> RecipeGRPOTrainer:
    callbacks: list[TrainerCallback] = [counts, StageCallback(context, config.steps_per_rollout)]
    model = load_model(source, ATTENTION)
    start = None
    if config.lora is not None:
        set_seed(context.seed)  # adapters start at random
        model = get_peft_model(model, lora_config(config.lora))
        if config.reference_sync_steps:
            callbacks.append(AdapterSync(config.reference_sync_steps))
    elif config.kl_coefficient == 0 and config.kl_rows:
        start = load_model(source, ATTENTION)
    arguments = grpo_arguments(config, context)
    arguments.trust_remote_code = brings_code(source)  # for the reference
    trainer = trainer_for(config.algorithm)(
        config, model, tokenizer, prompts, terms, arguments, callbacks, start, own
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _cost(config: RLConfig, trainer: RecipeGRPOTrainer) -> compute.Cost:
    """A token is said and learnt; with KL in the loss the reference reads it, too."""
    reads = compute.FORWARD if config.kl_coefficient else 0
    policy = trainer.accelerator.unwrap_model(trainer.model)
    return compute.Cost(compute.parameters(policy), compute.FORWARD + compute.LEARN + reads)
