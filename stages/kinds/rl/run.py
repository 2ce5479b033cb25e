"""Reinforcement learning by GRPO: R1-Zero, reasoning RL and the final RL (paper, 2 and 3.2).

The paper samples 16 answers to each of 32 questions per step, 8,192 outputs per rollout in 16
minibatches, rewards by rule (later with reward models), KL 0.001 to a reference that the policy
replaces every 400 steps. All of that is configuration; see conf/stage/_rl.yaml.

A stage first proves its verifiers on its own reference answers, unless a stage before it has
(stages/rl/problems.py), then drops prompts that are too long, trains, and publishes the policy. On
the way it is asked problems that it does not learn from, where `validate_on` names some
(stages/rl/validation.py). Killed at any moment it goes on from its last complete checkpoint, to the
same weights and curves, bit for bit on one CPU thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from peft import get_peft_model
from transformers import PrinterCallback, TrainerCallback, set_seed

from pipeline.artifact import Inputs, of_type
from pipeline.context import Context
from pipeline.errors import UsageError
from pipeline.kinds import Outputs
from stages.chat.text_template import give_template
from stages.kinds.rl.config import RLConfig
from stages.models.folder import brings_code
from stages.models.window import require_window
from stages.rewards.preference import load_scorers
from stages.rewards.terms import Term, build_terms, require_rows
from stages.rewards.windows import require_windows
from stages.rl import validation
from stages.rl.adapter_reference import AdapterSync
from stages.rl.algorithms.drawing import overlong_term
from stages.rl.algorithms.trainers import trainer_for
from stages.rl.apart import apart
from stages.rl.arguments import completions_per_step, grpo_arguments
from stages.rl.engine_devices import set_apart
from stages.rl.problems import Problems
from stages.rl.prompts import (
    Prompt,
    earlier_rates,
    of_domains,
    prepare_prompts,
    starts,
)
from stages.rl.schedule import length_limits, rollouts_of
from stages.rl.trainer import RecipeGRPOTrainer
from stages.rl.verdict_counts import VerdictCounts
from stages.rollout.decoding import ATTENTION
from stages.training import compute
from stages.training.arguments import lora_config
from stages.training.common import StageCallback, load_model, start, train
from stages.verifiers.answer import policy_of
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import require_references

FINAL_STEPS = 10  # the facts give the mean of the last steps: one step is noise
SPENT = ("samples_spent", "replaced_groups", "zero_signal_groups", "skipped_rows")
FINAL = ("reward", "accuracy", "copied", "format", "length", "language_consistency", "kl")


def run(config: RLConfig, inputs: Inputs, context: Context) -> Outputs:
    """Train the model of `init_from` on the problems of `data_from`."""
    own_gpus = set_apart(config.rollout, config.rollout_ahead)
    source, tokenizer = start(inputs, context)
    _require_plain(config, source, context)
    _require_window(config, source, context)
    give_template(tokenizer, config.template, f"stages.{context.stage}.template")
    problems = Problems.of(config, inputs, context.stage)
    prompts, funnel = _prompts(config, problems, tokenizer, context.stage)
    judging = replace(config.verifiers, policy=config.validation.policy)
    with VerifierPool.of(config.verifiers) as pool, VerifierPool.of(judging) as judges:
        require_references(problems.unproved(prompts), pool, f"stage {context.stage}")
        terms = _terms(config, inputs, prompts, pool, context.stage)
        counts = VerdictCounts(pool, context.work)
        trainer = _trainer(config, source, tokenizer, prompts, terms, context, counts, own_gpus)
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
        **_facts(config, points, trainer.state.global_step),
        **validation.facts(held_out, config, points),
        "compute": cost.facts(trainer.state.num_input_tokens_seen),
        "health": health,
    }
    return Outputs(facts=facts, funnel=funnel)


def _prompts(
    config: RLConfig, problems: Problems, tokenizer: Any, stage: str
) -> tuple[list[Prompt], dict[str, int]]:
    """The prompts of `data_from` that are of the stage's domains and fit, and what was left out."""
    rows, no_rule = problems.rows, problems.no_rule
    prompts, funnel = prepare_prompts(of_domains(rows, config.domains, stage), tokenizer, config)
    other = {"other_domain": len(rows) - funnel.pop("problems")}
    other |= {"no_rule": no_rule} if no_rule else {}
    return prompts, {"problems": len(rows) + no_rule, **other, **funnel}


def _require_window(config: RLConfig, source: Path, context: Context) -> None:
    """The longest prompt with the longest completion that any step allows."""
    key, longest = _longest(config)
    key = f"stages.{context.stage}: max_prompt_tokens and {key}"
    require_window(source, config.max_prompt_tokens + longest, key)


def _require_plain(config: RLConfig, source: Path, context: Context) -> None:
    """Engines with copies open a folder that is no artifact, so nobody vouches for code in it."""
    if apart(config) and brings_code(source):
        raise UsageError(
            f"stages.{context.stage}.rollout.engine: the model brings Python code of its own, and "
            "engines with copies of its weights run none: set rollout.engine=transformers and "
            "rollout_ahead=0"
        )


def _longest(config: RLConfig) -> tuple[str, int]:
    """The key that allows the longest completions of any step, and their tokens."""
    return max(length_limits(config).items(), key=lambda limit: limit[1])


def _terms(
    config: RLConfig, inputs: Inputs, prompts: Sequence[Prompt], pool: VerifierPool, stage: str
) -> list[Term]:
    """The terms of the reward: each has rows to score, which reward models can see whole."""
    scorers = load_scorers(inputs.get("score_with", ()), policy_of(config.verifiers))
    terms = build_terms(
        config.rewards, pool=pool, scorers=scorers, total_steps=config.max_steps, stage=stage
    )
    if config.algorithm.overlong:
        terms.append(overlong_term())
    rows = [prompt.row for prompt in prompts]
    require_rows(terms, rows, stage)
    scored = {term.name: [row for row in rows if term.applies(row)] for term in terms}
    acting = {name: scorer for name, scorer in scorers.items() if name in scored}
    key, longest = _longest(config)
    require_windows(acting, scored, longest, stage, key)
    return terms


def _trainer(
    config: RLConfig,
    source: Path,
    tokenizer: Any,
    prompts: Sequence[Prompt],
    terms: Sequence[Term],
    context: Context,
    counts: VerdictCounts,
    own_gpus: Sequence[str] = (),
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
        config, model, tokenizer, prompts, terms, arguments, callbacks, start, own_gpus
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _cost(config: RLConfig, trainer: RecipeGRPOTrainer) -> compute.Cost:
    """A token is said and learnt; with KL in the loss the reference reads it, too."""
    reads = compute.FORWARD if config.kl_coefficient else 0
    policy = trainer.accelerator.unwrap_model(trainer.model)
    return compute.Cost(compute.parameters(policy), compute.FORWARD + compute.LEARN + reads)


def _facts(config: RLConfig, points: Sequence[Mapping[str, float]], steps: int) -> dict[str, Any]:
    """What was spent, and where the curves ended."""
    rollouts = rollouts_of(config)
    drawn = [(p["length"], len(rollouts.at(int(p["step"]) - 1))) for p in points if "length" in p]
    last = [point for point in points if point["step"]][-FINAL_STEPS:]
    probes = [point["policy_accuracy"] for point in points if "policy_accuracy" in point]
    return {
        "steps": steps,
        "completions": steps * completions_per_step(config),
        "tokens": round(sum(mean * n for mean, n in drawn) * completions_per_step(config)),
        **{name: round(sum(point.get(name, 0) for point in points)) for name in SPENT},
        **{f"final_{name}": _mean([p[name] for p in last if name in p]) for name in FINAL},
        **({"final_policy_accuracy": probes[-1]} if probes else {}),
    }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
