"""What supervised fine-tuning takes."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.memory import trained_parameters
from stages.costs.models import learning, steps, trained, written
from stages.costs.rows import taken
from stages.costs.work import BACKWARD, FORWARD, Known, Work
from stages.kinds.sft.kind import SFTConfig


def work(stage: Stage, known: Known) -> Work:
    """Rows × epochs, in passes of `micro_batch` rows."""
    config: SFTConfig = stage.config
    model = shapes.of_stage(stage)
    if model is None:
        return Work(unknown=(stage.name,))
    rows, length = taken(known, stage.inputs["data_from"])
    length = min(length, config.max_length)
    tokens = rows * length * config.epochs
    packed = config.row_tokens
    calls = (tokens / packed if packed else rows * config.epochs) / config.micro_batch
    updates = steps(rows, config.batch_size, config.epochs)
    held = trained(config, model, packed or config.max_length, config.micro_batch)
    task = learning(
        model,
        tokens=tokens,
        length=length,
        calls=max(calls, updates),
        updates=updates,
        checkpointing=config.precision.gradient_checkpointing,
        adapters=config.lora is not None,
    )
    counted = (FORWARD + BACKWARD) * model.active * tokens
    return Work(
        tasks=(task,),
        trained=held,
        counted=counted,
        disk=written(stage, model, trained_parameters(held)),
    )
