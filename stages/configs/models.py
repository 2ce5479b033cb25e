"""Models that a recipe starts from, or looks at."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from stages.configs.common import (
    Optimizer,
    Precision,
    Server,
    StageConfig,
    from_root,
    outside_file,
    placement,
)


@dataclass
class ModelShape:
    """A small decoder built from scratch. family: `qwen2` or `llama`."""

    family: str = "qwen2"
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
class PretrainConfig(StageConfig):
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


@dataclass
class ModelContext:
    """What is changed in the config of a checkpoint that shall see more tokens than it did.

    The weights stay: training at that length has to teach them. null leaves the checkpoint's own.
    """

    positions: int | None = None  # max_position_embeddings, of prompt and completion together
    rope_theta: float | None = None  # the base of the rotary positions


@dataclass
class PretrainedConfig(StageConfig):
    """Take an existing checkpoint: a Hugging Face hub name or a local folder.

    positions: what it sees as it was published, for the plan where its files are not here yet.
    trust_remote_code: run the Python files that come with it, as you and with your rights, in every
    stage that loads the model; without, an architecture that transformers lacks is refused.
    """

    path: str = outside_file(MISSING)
    revision: str | None = None
    trust_remote_code: bool = False
    context: ModelContext = field(default_factory=ModelContext)
    positions: int | None = placement(None)
    # `recipe`, or a .jinja file; null: the model's own, or the recipe's where it has none
    chat_template: str | None = outside_file(None)


@dataclass
class ServedModelConfig(StageConfig):
    """A chat model behind an OpenAI-compatible server: to be evaluated, or to judge.

    revision: any word; another one when the server has other weights under the same name.
    """

    url: str = MISSING  # the base URL, which mostly ends in /v1
    model: str = MISSING  # the name under which the server knows it
    revision: str = ""
    server: Server = from_root(Server, "server", identity=False)
