"""What training a reward model takes."""

from __future__ import annotations

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.models import learning, reading, steps, trained, written
from stages.costs.rows import taken
from stages.costs.work import TRAIN, Known, Work
from stages.kinds.reward_model.kind import RewardModelConfig

SEQUENCES = {"pairwise": 2}  # of a row, by objective


def work(stage: Stage, known: Known) -> Work:
    """Both responses of a pair, or the one of a label; held-out rows are only read."""
    config: RewardModelConfig = stage.config
    model = shapes.of_stage(stage)
    if model is None:
        return Work(unknown=(stage.name,))
    rows, length = taken(known, stage.inputs["data_from"])
    length, each = min(length, config.max_length), SEQUENCES.get(config.objective, 1)
    held_out = rows * config.heldout_fraction
    learnt = (rows - held_out) * config.epochs
    updates = steps(rows - held_out, config.batch_size, config.epochs)
    train = learning(
        model,
        tokens=learnt * each * length,
        length=length,
        calls=max(updates, learnt / config.micro_batch),
        updates=updates,
        checkpointing=config.precision.gradient_checkpointing,
        adapters=False,
    )
    calls = held_out / config.micro_batch
    measure = reading(TRAIN, model, held_out * each * length, length, calls)
    held = trained(config, model, config.max_length, config.micro_batch * each)
    return Work(tasks=(train, measure), trained=held, disk=written(stage, model, model.parameters))
