"""The tiny world's base and its tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from omegaconf import MISSING

from pipeline.kinds import Kind, Needs, Problem, Stage
from stages.settings import training, values
from stages.settings.numbers import Inputs, Numbers
from stages.settings.origins import TINY
from stages.settings.stage import GivenConfig, placement
from stages.settings.training import Optimizer, Precision

DTYPES = ("float32", "bfloat16")
FAMILIES = ("qwen2", "llama")  # of a tiny model


@dataclass
class ModelShape:
    """A small decoder built from scratch. family: `qwen2` or `llama`."""

    family: str = MISSING
    hidden_size: int = MISSING
    intermediate_size: int = MISSING
    num_layers: int = MISSING
    num_heads: int = MISSING
    num_kv_heads: int = MISSING
    max_position_embeddings: int = 512


@dataclass
class Corpus:
    """The tiny world's base corpus; shares need not sum to one. See stages/tiny/corpus.py.

    styles, general_styles: how a reply is made. languages: question's language → share of thoughts
    in its `own`, the `other`, or `mixed`. step_error: probability that a step is wrong, by the
    language of the thought, in a `brief` thought and in a `check`.
    """

    documents: int = MISSING
    tokenizer_documents: int = 10000  # the tokenizer is trained on the first of them
    vocab_size: int = MISSING
    domains: dict[str, float] = field(default_factory=dict)
    styles: dict[str, float] = field(default_factory=dict)
    general_styles: dict[str, float] = field(default_factory=dict)
    languages: dict[str, dict[str, float]] = field(default_factory=dict)
    step_error: dict[str, float] = field(default_factory=dict)


@dataclass
class PretrainConfig(GivenConfig):
    """Train a small base model and its tokenizer on the tiny world's corpus."""

    shape: ModelShape = field(default_factory=ModelShape)
    corpus: Corpus = field(default_factory=Corpus)
    optimizer: Optimizer = field(default_factory=Optimizer)
    steps: int = MISSING
    batch_tokens: int = MISSING  # tokens per optimiser step, packed
    sequence_length: int = MISSING
    dtype: str = "bfloat16"  # of the published weights; `float32` doubles the files
    save_steps: int = placement(200)
    precision: Precision = field(default_factory=Precision)


def check(stage: Stage) -> Iterator[Problem]:
    """The tiny base: a fixed number of steps."""
    config = stage.config
    yield from training.optimizer(config.optimizer, config.steps)
    yield from values.positive(config, "steps", "batch_tokens", "sequence_length", "save_steps")
    yield from values.one_of("dtype", config.dtype, DTYPES)
    yield from values.one_of("shape.family", config.shape.family, FAMILIES)
    longest = config.shape.max_position_embeddings
    if config.sequence_length > longest:
        yield Problem(
            "sequence_length",
            f"is {config.sequence_length}, and shape.max_position_embeddings is {longest}: set it "
            f"to at most {longest}",
        )


def numbers(stage: Stage, inputs: Inputs) -> Numbers:
    """Tokens of the tiny base's training."""
    config: PretrainConfig = stage.config
    return {
        "tokens per step": config.batch_tokens,
        "sequences per step": config.batch_tokens // config.sequence_length,
        "optimiser steps": config.steps,
        "tokens in all": config.batch_tokens * config.steps,
        "documents": config.corpus.documents,
    }


def needs(stage: Stage) -> Needs:
    """The tiny base: one process."""
    return Needs(processes=1, devices=1)


def origin(stage: Stage) -> str:
    return f"{TINY}: trained here on its corpus"


KINDS = (
    Kind(
        "pretrain",
        2,
        PretrainConfig,
        "model",
        "stages.kinds.pretrain.run:run",
        numbers=numbers,
        origin=origin,
        needs=needs,
        check=check,
        work="stages.kinds.pretrain.work:work",
    ),
)
