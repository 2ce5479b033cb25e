"""What on-policy distillation takes."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.memory import trained_parameters
from stages.costs.models import draw, learning, published_bytes, reading, trained, written
from stages.costs.work import BACKWARD, FORWARD, ROLLOUT, TRAIN, Engine, Known, Work
from stages.kinds.on_policy_distill.kind import OnPolicyDistillConfig


def work(stage: Stage, known: Known) -> Work:
    """A prompt is answered once, the teacher reads it, the student learns it."""
    config: OnPolicyDistillConfig = stage.config
    model, teacher = shapes.of_stage(stage), shapes.of_stage(stage.inputs["teach_with"][0])
    if model is None or teacher is None:
        return Work(unknown=(stage.name if model is None else config.teach_with or "",))
    limit, prompts = config.sampling.max_tokens, config.prompts_per_step * config.max_steps
    mean = known.length(stage, limit)
    length = known.prompt + mean
    weights = published_bytes(stage, model)
    own = Engine("transformers", config.batch_tokens, weights=weights, beside=True)
    drawn = draw(
        ROLLOUT,
        model,
        own,
        known,
        completions=prompts,
        prompts=prompts,
        mean=mean,
        limit=limit,
        rounds=config.max_steps,
    )
    tokens, calls = prompts * length, prompts / config.micro_batch
    train = learning(
        model,
        tokens=tokens,
        length=length,
        calls=calls,
        updates=config.max_steps,
        checkpointing=config.precision.gradient_checkpointing,
        adapters=config.lora is not None,
    )
    longest = config.max_prompt_tokens + limit
    held = trained(
        config,
        model,
        longest,
        config.micro_batch,
        logits=True,
        logits_with_gradient=True,
        others=((teacher, published_bytes(stage.inputs["teach_with"][0], teacher)),),
    )
    counted = tokens * ((2 * FORWARD + BACKWARD) * model.active + FORWARD * teacher.active)
    return Work(
        tasks=(drawn, reading(TRAIN, teacher, tokens, length, calls), train),
        trained=held,
        counted=counted,
        disk=written(stage, model, trained_parameters(held)),
    )
