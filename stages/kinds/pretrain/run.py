"""The tiny world's base model, trained from scratch on its corpus, and its tokenizer.

It stands where DeepSeek-V3-Base stands in the paper: a base that has the skill somewhere but seldom
uses it. Plain next-token prediction on everything, questions included. The tokenizer depends on the
corpus and the seed alone, so that a base and the smaller bases of the students share it.
"""

from __future__ import annotations

from itertools import islice

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerFast
from trl import SFTConfig as TRLConfig

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import UsageError
from pipeline.kinds import Outputs
from stages.kinds.pretrain.kind import DTYPES, PretrainConfig
from stages.settings.health import Health
from stages.supervised.corpus import collate, rows_of
from stages.supervised.trainer import PackedSFTTrainer
from stages.tiny.corpus import documents
from stages.tiny.model import build_model
from stages.tiny.tokenizer import build_tokenizer
from stages.training.arguments import attention, split_batch, trainer_arguments
from stages.training.common import StageCallback, train, use_threads


def run(config: PretrainConfig, inputs: Inputs, context: Context) -> Outputs:
    """Train `config.shape` for `config.steps` steps of `config.batch_tokens` tokens."""
    if config.dtype not in DTYPES:
        raise UsageError(f"dtype is {config.dtype!r}; expected one of {list(DTYPES)}")
    use_threads(context.threads)
    corpus, seed = config.corpus, context.seed
    tokenizer = build_tokenizer(
        islice(documents(corpus, seed), corpus.tokenizer_documents), corpus.vocab_size
    )
    tokens = config.steps * config.batch_tokens
    rows = rows_of(tokenizer, documents(corpus, seed), config.sequence_length, tokens)
    trainer = _trainer(config, tokenizer, rows, context)
    train(trainer, tokenizer, context, Health(), config.dtype == "bfloat16")
    return Outputs(
        facts={
            "parameters": trainer.model.num_parameters(),
            "vocabulary": len(tokenizer),
            "steps": trainer.state.global_step,
            "epochs": trainer.state.epoch,
            "tokens": tokens,
            "loss": trainer.last("loss"),
        }
    )


def _trainer(
    config: PretrainConfig, tokenizer: PreTrainedTokenizerFast, rows: Dataset, context: Context
) -> PackedSFTTrainer:
    sequences = max(1, config.batch_tokens // config.sequence_length)
    split = split_batch(sequences, sequences)
    arguments = TRLConfig(
        **trainer_arguments(context, config.optimizer, config.precision, config.save_steps),
        max_steps=config.steps,
        per_device_train_batch_size=split.per_device,
        gradient_accumulation_steps=split.accumulation,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
    )
    torch.manual_seed(context.seed)
    model = build_model(config.shape, tokenizer)
    model.set_attn_implementation(attention(config.precision, config.sequence_length))
    return PackedSFTTrainer(
        model=model,
        args=arguments,
        data_collator=collate,
        train_dataset=rows,
        processing_class=tokenizer,
        callbacks=[StageCallback(context)],
    )
