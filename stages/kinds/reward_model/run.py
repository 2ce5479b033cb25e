"""Reward models for what no rule can judge (paper, 3.1).

    helpful   pairwise    Bradley-Terry on chosen against rejected; reads the summary only
    safety    pointwise   cross-entropy on safe against unsafe; reads the whole response

Paper: 66,000 pairs and 106,000 labels, batch 256, learning rate 6e-6, one epoch, 8,192 tokens (in
training; when it scores it reads all), R1's architecture with a head that gives one number. Which
weights it began from is not told: here those of `init_from`. Rows are held out by prompt; how the
model does on them, and on a policy's own samples where `tried_on` names some, are the facts that
its gate reads (kind.py) before any stage may score with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
)
from trl import RewardConfig

from pipeline import meter
from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError
from pipeline.kinds import Outputs
from stages.kinds.reward_model.kind import RewardModelConfig
from stages.kinds.reward_model.kind import rules as measured
from stages.models.folder import brings_code
from stages.models.quirks import attention_of
from stages.models.window import require_window
from stages.reward_models.data import Judged, as_dataset, hold_out, read_judged
from stages.reward_models.quality import quality
from stages.reward_models.trainers import LabelCollator, PairwiseTrainer, PointwiseTrainer
from stages.reward_models.trial import trial
from stages.rewards.preference import Scorer
from stages.rows.schemas import SAMPLES, read_rows
from stages.settings.values import refuse
from stages.training.arguments import split_batch, trainer_arguments
from stages.training.common import StageCallback, start, train
from stages.training.parallel import gang_arguments


def run(config: RewardModelConfig, inputs: Inputs, context: Context) -> Outputs:
    """Train a scalar head and the model below it, and measure both on held-out rows."""
    types = {artifact.stage: artifact.type for artifact in inputs["data_from"]}
    refuse(measured(config, types), f"stages.{context.stage}")
    source, tokenizer = start(inputs, context)
    require_window(source, config.max_length, f"stages.{context.stage}.max_length")
    rows = [row for artifact in inputs["data_from"] for row in read_rows(artifact.rows_path)]
    judged, funnel = read_judged(tokenizer, rows, config.scores, config.max_length)
    taught, held = hold_out(judged, config.heldout_fraction, context.seed)
    if not taught or not held:
        raise RecipeError(
            f"data_from: {len(judged)} of {len(rows)} rows can be read ({funnel}), which leaves "
            f"{len(taught)} to train on and {len(held)} to hold out; more prompts are needed"
        )
    trainer = _trainer(config, source, tokenizer, taught, context)
    health = train(trainer, tokenizer, context, config.health)
    read = sum(len(ids) for row in taught for ids in row.ids)
    meter.count(tokens_trained=read * config.epochs)
    scorer = Scorer(context.output / "model", config.scores, bf16=config.precision.bf16)
    facts = quality(scorer, held)
    if tried := inputs.get("tried_on"):
        facts |= trial(scorer, [row for one in tried for row in read_rows(one.path / SAMPLES)])
    trained = {"steps": trainer.state.global_step, "health": health}
    return Outputs(
        {"objective": config.objective, "scores": config.scores, **trained, **facts},
        {**funnel, "held_out": len(held), "trained": len(taught)},
    )


def _trainer(
    config: RewardModelConfig,
    source: Path,
    tokenizer: PreTrainedTokenizerBase,
    train: list[Judged],
    context: Context,
) -> Trainer:
    split = split_batch(config.batch_size, config.micro_batch)
    arguments: dict[str, Any] = {
        **trainer_arguments(context, config.optimizer, config.precision, config.save_steps),
        "num_train_epochs": config.epochs,
        "per_device_train_batch_size": split.per_device,
        "gradient_accumulation_steps": split.accumulation,
        "remove_unused_columns": False,
        **gang_arguments(config.parallel),
    }
    shared: dict[str, Any] = {
        "model": _scalar_model(source, tokenizer, context.seed),
        "train_dataset": as_dataset(train),
        "processing_class": tokenizer,
        "callbacks": [StageCallback(context)],
    }
    if config.objective == "pairwise":
        return PairwiseTrainer(args=RewardConfig(**arguments, max_length=None), **shared)
    collator = LabelCollator(tokenizer.pad_token_id)
    return PointwiseTrainer(args=TrainingArguments(**arguments), data_collator=collator, **shared)


def _scalar_model(source: Path, tokenizer: PreTrainedTokenizerBase, seed: int) -> PreTrainedModel:
    """The model of `source` with a new head of one logit in place of its vocabulary's."""
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        source,
        num_labels=1,
        dtype=torch.float32,
        attn_implementation=attention_of(source),
        trust_remote_code=brings_code(source),
    )
    model.config.pad_token_id = tokenizer.pad_token_id  # the logit is read at the last real token
    return model
