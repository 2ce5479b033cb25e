"""Supervised fine-tuning: cold start, the 800k set, and distillation (paper, B.4.2, B.4.3).

The paper trains for 2-3 epochs with batches of 128 (students: 64) sequences and a cosine from the
learning rate to a tenth of it. Here a step is `batch_size` sequences too; how they are laid out in
forward passes, packed with isolated documents or by length, is for speed alone
(stages/supervised/batches.py). The loss is on the completion and its end token. Rows longer than
`max_length` are dropped or split, and counted; TRL's packing would truncate them in silence. The
model is published with the chat template that it was trained with.

A stage killed at any moment goes on from its last complete checkpoint to the same weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from trl import SFTConfig as TRLConfig

from pipeline.artifact import Artifact, Inputs
from pipeline.context import Context
from pipeline.errors import RecipeError, UsageError
from pipeline.kinds import Outputs
from stages.kinds.sft.kind import OVERFLOW, SFTConfig
from stages.models.quirks import EAGER, slides
from stages.models.window import require_window
from stages.rows.schemas import read_rows
from stages.settings.values import one_of, refuse
from stages.supervised.batches import Layout, Passes
from stages.supervised.documents import Document, encode, fit
from stages.supervised.even_batches import with_filler
from stages.supervised.trainer import PackedSFTTrainer, compile_layers
from stages.training import compute
from stages.training.arguments import attention, lora_config, split_batch, trainer_arguments
from stages.training.common import StageCallback, load_model, start, train
from stages.training.parallel import gang_arguments


def run(config: SFTConfig, inputs: Inputs, context: Context) -> Outputs:
    """Fine-tune the model of `init_from` on the rows of `data_from`."""
    refuse(one_of("overflow", config.overflow, OVERFLOW), f"stages.{context.stage}")
    source, tokenizer = start(inputs, context)
    require_window(source, config.max_length, f"stages.{context.stage}.max_length")
    documents, funnel = _documents(config, inputs["data_from"], tokenizer)
    trainer = _trainer(config, source, tokenizer, documents, context)
    health = train(trainer, tokenizer, context, config.health, config.precision.bf16)
    return Outputs(facts=_facts(config, trainer, documents) | {"health": health}, funnel=funnel)


def _documents(
    config: SFTConfig,
    artifacts: tuple[Artifact, ...],
    tokenizer: PreTrainedTokenizerBase,
) -> tuple[list[Document], dict[str, int]]:
    """What to train on, and the rows that were left out by reason."""
    rows = [row for artifact in artifacts for row in read_rows(artifact.rows_path)]
    documents, longer = fit(
        encode(tokenizer, rows, config.system_prompt), config.max_length, config.overflow
    )
    if not documents:
        names = [artifact.stage for artifact in artifacts]
        raise RecipeError(
            f"data_from: no row of {names} is left to train on ({len(rows)} rows, "
            f"{longer} longer than max_length={config.max_length} tokens): raise max_length"
        )
    funnel = {"rows": len(rows)}
    funnel["too_long" if config.overflow == "drop" else "split"] = longer
    funnel["documents"] = len(documents)
    return documents, funnel


def _trainer(
    config: SFTConfig,
    source: Path,
    tokenizer: PreTrainedTokenizerBase,
    documents: list[Document],
    context: Context,
) -> PackedSFTTrainer:
    batch, cut = config.batch_size, config.parallel.context
    multiple = 2 * cut if cut > 1 else 1  # a process has a part of either half of a sequence
    split = split_batch(batch, batch, cut)  # a batch is a step: see Passes
    compiled = pays_to_compile(config, documents)
    arguments = TRLConfig(
        **trainer_arguments(context, config.optimizer, config.precision, config.save_steps),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=split.per_device,
        gradient_accumulation_steps=split.accumulation,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        **gang_arguments(config.parallel),
    )
    trainer = PackedSFTTrainer(
        model=_model(config, source, f"stages.{context.stage}"),
        args=arguments,
        data_collator=Layout(tokenizer.pad_token_id, config.row_tokens, multiple),
        train_dataset=Dataset.from_list([vars(row) for row in with_filler(documents)]),
        processing_class=tokenizer,
        peft_config=lora_config(config.lora),
        callbacks=[StageCallback(context)],
    )
    trainer.passes = Passes(config.micro_batch, config.row_tokens is not None, multiple)
    if compiled:
        key = f"stages.{context.stage}.compile_from_tokens"
        trainer.not_compiled = compile_layers(trainer.model, key)
    return trainer


def _model(config: SFTConfig, source: Path, key: str) -> PreTrainedModel:
    """The model to train; where sequences are cut, masks are dropped, and it must need none."""
    wanted = attention(config.precision, config.row_tokens or config.max_length)
    model = load_model(source, wanted)
    if config.parallel.context > 1 and (
        slides(model) or model.config._attn_implementation == EAGER
    ):
        raise UsageError(
            f"{key}.parallel.context: is {config.parallel.context}, and layers of this model see a "
            "sliding part of a sequence, or cap its attention, which accelerate would leave out: "
            "set it to 1"
        )
    return model


def pays_to_compile(config: SFTConfig, documents: list[Document]) -> bool:
    """Whether the training is long enough; a rule on the data alone, so that a resume agrees."""
    if config.compile_from_tokens is None:
        return False
    return sum(map(len, documents)) * config.epochs >= config.compile_from_tokens


def _facts(
    config: SFTConfig, trainer: PackedSFTTrainer, documents: list[Document]
) -> dict[str, Any]:
    tokens = sum(len(document) for document in documents)
    model = trainer.accelerator.unwrap_model(trainer.model)
    cost = compute.Cost(compute.parameters(model), compute.LEARN)
    return {
        "documents": len(documents),
        "tokens": tokens,
        "steps": trainer.state.global_step,
        "epochs": trainer.state.epoch,
        "compiled": pays_to_compile(config, documents) and not trainer.not_compiled,
        "compute": cost.facts(tokens * (trainer.state.epoch or 0.0)),
        "loss": trainer.last("loss"),
        "token_accuracy": trainer.last("token_accuracy"),
    }
