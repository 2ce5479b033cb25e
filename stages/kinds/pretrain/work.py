"""What training a tiny base takes."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.models import learning, written
from stages.costs.work import Known, Trained, Work
from stages.kinds.pretrain.kind import PretrainConfig


def work(stage: Stage, known: Known) -> Work:
    """A step is one pass."""
    config: PretrainConfig = stage.config
    model = shapes.of_stage(stage)
    if model is None:
        return Work(unknown=(stage.name,))
    precision = config.precision
    task = learning(
        model,
        tokens=config.steps * config.batch_tokens,
        length=config.sequence_length,
        calls=config.steps,
        updates=config.steps,
        checkpointing=precision.gradient_checkpointing,
        adapters=False,
    )
    rows = max(1, config.batch_tokens // config.sequence_length)
    held = Trained(
        model,
        "ddp",
        config.sequence_length,
        rows,
        precision.bf16,
        precision.gradient_checkpointing,
        logits=True,
        logits_with_gradient=True,
    )
    return Work(tasks=(task,), trained=held, disk=written(stage, model, model.parameters))
