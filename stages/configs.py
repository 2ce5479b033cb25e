"""The typed config of every kind of stage. No torch here: the plan composes these in a second.

Fields marked `placement()` say where and how fast a stage runs, never what it produces: they are
outside the fingerprint. Numbers live in `conf/`; a field without a default must be set there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING


def placement(default: Any) -> Any:
    """A field that does not change results (devices, batch splits, save intervals)."""
    return field(default=default, metadata={"identity": False})


def outside_file(default: Any) -> Any:
    """A path or a hub name. A local file or folder is identified by its content, not its path."""
    return field(default=default, metadata={"file": True})


@dataclass
class StageConfig:
    """What every stage has: its kind, its edges, its seed."""

    kind: str = MISSING
    init_from: str | None = None
    data_from: list[str] = field(default_factory=list)
    apart_from: list[str] = field(default_factory=list)
    score_with: list[str] = field(default_factory=list)
    evaluates: str | None = None
    seed: int = MISSING


@dataclass
class Sampling:
    """How completions are drawn. top_k 0 means no limit."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = MISSING


@dataclass
class Server:
    """How an OpenAI-compatible server is asked; none of it changes what it answers."""

    api_key_env: str = "OPENAI_API_KEY"  # the environment variable that holds the key, if any
    concurrency: int = 16  # requests at a time
    timeout: float = 600.0  # seconds for one answer
    retries: int = 6  # after a broken connection, a timeout, 429 or 5xx
    pause: float = 1.0  # seconds before the first of them; each further pause is twice as long


@dataclass
class Rollout:
    """Which engine generates (`transformers`, `vllm` or `server`) and how it is batched.

    dtype: of the weights while they generate, as published when `auto`; RL has its own precision.
    max_model_tokens, kv_cache_gib, gpu_memory_utilization: vLLM's. The first bounds prompt and
    completion where the model sees more than memory holds; the second is the memory for keys and
    values, by default what the third leaves on a GPU and 1 GiB on a CPU.
    """

    engine: str = "transformers"
    dtype: str = "auto"  # or `float32`, `bfloat16`, `float16`
    batch_tokens: int = placement(65536)  # sequences × their longest length, per generate call
    shard_samples: int = placement(2048)  # drawn, and lost by a kill, together
    replicas: int = placement(0)  # engines, each on GPUs of its own; 0: as many as the GPUs allow
    max_model_tokens: int | None = placement(None)
    kv_cache_gib: float | None = placement(None)
    gpu_memory_utilization: float = placement(0.9)
    tensor_parallel_size: int = placement(1)
    server: Server = field(default_factory=Server, metadata={"identity": False})


@dataclass
class Verifiers:
    """How answers are judged. The policy is written down in stages/verifiers/answer.py."""

    forms: list[str] = field(default_factory=lambda: ["tag", "box"])  # where an answer may stand
    several: str = "wrong"  # several different answers; or "last"
    thought: str = "optional"  # or "required", where the prompt ends with <think>
    seconds: float = 5.0  # wall clock of one answer
    workers: int = placement(1)


@dataclass
class Optimizer:
    """AdamW and its schedule: `constant`, `cosine` (to `lr_final`) or `linear`."""

    learning_rate: float = MISSING
    lr_final: float = 0.0  # where a cosine ends
    schedule: str = "constant"
    warmup_steps: int = 0
    weight_decay: float = 0.0
    adam_beta2: float = 0.999
    max_grad_norm: float = 1.0


@dataclass
class Lora:
    """Low-rank adapters in place of full weights; merged into the published model."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0


@dataclass
class Precision:
    """bf16 autocast and gradient checkpointing change rounding, so they are part of identity."""

    bf16: bool = False
    gradient_checkpointing: bool = False


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
class PretrainedConfig(StageConfig):
    """Take an existing checkpoint as it is: a Hugging Face hub name or a local folder."""

    path: str = outside_file(MISSING)
    revision: str | None = None
    # a .jinja file; None keeps or gives the recipe's own
    chat_template: str | None = outside_file(None)


@dataclass
class ServedModelConfig(StageConfig):
    """A chat model behind an OpenAI-compatible server; it can be evaluated and no more.

    revision: any word; another one when the server has other weights under the same name.
    """

    url: str = MISSING  # the base URL, which mostly ends in /v1
    model: str = MISSING  # the name under which the server knows it
    revision: str = ""
    server: Server = field(default_factory=Server, metadata={"identity": False})


@dataclass
class ProblemsConfig(StageConfig):
    """Problems of the tiny world, generated from a seed. split: `train` or `heldout`."""

    split: str = MISSING
    per_domain: dict[str, int] = field(default_factory=dict)
    languages: list[str] = field(default_factory=lambda: ["en", "zh"])


@dataclass
class ReasoningGymConfig(StageConfig):
    """Problems that reasoning-gym generates. split: `train` or `heldout`."""

    split: str = MISSING
    tasks: list[str] = field(default_factory=list)
    per_task: int = MISSING  # problems of each
    settings: dict[str, Any] = field(default_factory=dict)  # name → the task's own configuration


@dataclass
class DatasetConfig(StageConfig):
    """A real data set as problems: `format` names its reader, `path` a local file or a hub name."""

    format: str = MISSING
    path: str = outside_file(MISSING)  # a file, a folder of files, or a hub name
    subset: Any = None  # a hub configuration, e.g. "main" of openai/gsm8k, or a list of them
    split: str = "train"  # a hub split; of local files only MBPP's, which holds all splits, has one
    limit: int | None = None
    language: str = "en"
    without_reference: str = "error"  # or drop, or keep (for labels by majority vote): such rows
    samples: int | None = placement(None)  # per problem, as the paper evaluates this benchmark


@dataclass
class ConversationsConfig(StageConfig):
    """Long chains of thought of others as conversations: a local file or a hub name.

    columns: prompt, completion, thought, reference or turns → the file's own column.
    """

    path: str = outside_file(MISSING)
    subset: str | None = None  # a hub configuration
    split: str = "train"  # a hub split; ignored for a local file
    limit: int | None = None
    columns: dict[str, str] = field(default_factory=dict)  # empty: found by their usual names
    domain: str = "general"  # of rows without one
    language: str | None = None  # of rows without one; null: that of their prompt
    verifier: str | None = None  # judges rows that carry a reference
    verifiers: Verifiers = field(default_factory=Verifiers)


@dataclass
class RewardTerm:
    """One named term of the reward.

    start, stop: when it acts; a float is a fraction of the training steps, an int is a step;
    stop null means to the end. domains: the rows it applies to; empty means all.
    """

    weight: float = 1.0
    start: Any = 0.0
    stop: Any = None
    domains: list[str] = field(default_factory=list)


@dataclass
class LengthSwitch:
    """From this optimiser step on, completions may be this long (paper, 2.3: 65,536 from 8.2k)."""

    step: int = MISSING
    max_tokens: int = MISSING


@dataclass
class RLConfig(StageConfig):
    """GRPO with rewards by rule and by model (DeepSeek-R1, sections 2.2 and 3.2)."""

    rewards: dict[str, RewardTerm] = field(default_factory=dict)
    optimizer: Optimizer = field(default_factory=Optimizer)
    sampling: Sampling = field(default_factory=Sampling)
    rollout: Rollout = field(default_factory=Rollout)
    max_steps: int = MISSING
    questions_per_step: int = MISSING
    samples_per_question: int = MISSING
    steps_per_rollout: int = 1  # optimiser steps per rollout (the paper's 16 minibatches)
    kl_coefficient: float = 0.0
    kl_rows: int = 16  # completions per rollout that KL is measured on when it is not in the loss
    clip_low: float = 0.2
    clip_high: float = 0.28
    loss_type: str = "grpo"
    scale_rewards: str = "group"
    reference_sync_steps: int = 0  # 0: the reference stays as it was at the start
    length_switches: list[LengthSwitch] = field(default_factory=list)
    max_prompt_tokens: int = MISSING  # longer prompts are dropped and counted
    checking_words: list[str] = field(default_factory=list)  # counted in every completion
    system_prompt: str | None = None
    precision: Precision = field(default_factory=Precision)
    lora: Lora | None = None
    micro_batch: int = placement(64)  # sequences per forward pass
    save_steps: int = placement(25)
    verifiers: Verifiers = field(default_factory=Verifiers)


@dataclass
class SFTConfig(StageConfig):
    """Supervised fine-tuning on the completions, packed with isolated documents."""

    optimizer: Optimizer = field(default_factory=Optimizer)
    epochs: float = MISSING
    batch_size: int = MISSING  # sequences per optimiser step, before packing
    max_length: int = MISSING
    overflow: str = "drop"  # or "split": what happens to rows longer than max_length; counted
    system_prompt: str | None = None
    precision: Precision = field(default_factory=Precision)
    lora: Lora | None = None
    micro_batch: int = placement(32)
    save_steps: int = placement(50)


@dataclass
class Adaptive:
    """How the budget moves from easy problems to hard ones: stages/data/adaptive.py."""

    most_samples: int = 64  # that one problem may cost
    rounds: int = 16  # the budget is given out in so many parts


@dataclass
class Majority:
    """Labels by vote for problems without a reference: the most frequent answer, if it suffices."""

    samples: int = MISSING  # that vote
    min_votes: int = MISSING
    min_share: float = MISSING  # of the samples; those without an answer count against it


@dataclass
class Rewrite:
    """What a rewritten sample must be; and what a model on `rewrite_with` is asked.

    prompts: by the question's language, `en` for others; {question}, {thought} and {answer} are
    filled in. filters: of the rewritten sample.
    """

    prompts: dict[str, str] = field(default_factory=dict)
    sampling: Sampling = field(default_factory=Sampling)
    filters: list[str] = field(default_factory=list)
    min_language_consistency: float = 1.0


@dataclass
class SampleConfig(StageConfig):
    """Sampling with verification: cold-start data and rejection sampling (paper, 2.3).

    strategy: `fixed` draws samples_per_problem of every problem; `adaptive` draws as many in all.
    """

    rewrite_with: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    rollout: Rollout = field(default_factory=Rollout)
    strategy: str = "fixed"
    samples_per_problem: int = MISSING
    adaptive: Adaptive = field(default_factory=Adaptive)
    max_kept_per_problem: int = MISSING
    limit_problems: int | None = None
    majority: Majority | None = None  # null: problems without a reference are left out, and counted
    filters: list[str] = field(default_factory=list)  # e.g. mixed_language, truncated, repetition
    min_language_consistency: float = 0.0
    max_paragraph_characters: int = 4000
    max_repetition: float = 0.5  # share of a thought's phrases that stood in it before
    max_resemblance: float = 0.9  # from here on two answers to a problem are near duplicates
    rewriter: str | None = None  # or `tiny`, or `model`: rewrite in the question's language, sum up
    rewrite: Rewrite = field(default_factory=Rewrite)
    system_prompt: str | None = None
    verifiers: Verifiers = field(default_factory=Verifiers)


@dataclass
class MixturePart:
    """What a part of a mixture takes: rows that match every list that is not empty.

    rows, tokens: at most so many. share: its proportion; all parts have one, or none has.
    """

    stages: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    rows: int | None = None
    tokens: int | None = None
    share: float | None = None


@dataclass
class MixtureConfig(StageConfig):
    """Rows of several stages as one set; a row goes to the first part that it matches."""

    parts: dict[str, MixturePart] = field(default_factory=dict)  # empty: every row
    shares_of: str = "rows"  # or tokens


@dataclass
class Difficulty:
    """Which questions are hard enough: how often the best of the judging models solved them."""

    min_pass_rate: float = 0.0
    max_pass_rate: float = 1.0
    require_rate: bool = False  # leaves out questions that no model was asked
    min_tokens: int = 0  # of the completion


@dataclass
class Diversity:
    """How rows are drawn: a cell at random, then a rank by length with the weight base^-rank."""

    by: list[str] = field(default_factory=list)  # columns or metadata.<name>; empty: one cell
    length_base: float = 2.0  # 1: every rank alike
    draws: int = 1  # of which the least similar to those before it is taken


@dataclass
class SelectConfig(StageConfig):
    """A few rows by quality, difficulty and diversity (s1: arXiv 2501.19393, 2.2)."""

    rows: int = MISSING
    filters: list[str] = field(default_factory=list)
    min_language_consistency: float = 0.0
    max_paragraph_characters: int = 4000
    max_repetition: float = 0.5
    difficulty: Difficulty = field(default_factory=Difficulty)
    diversity: Diversity = field(default_factory=Diversity)


@dataclass
class Trivial:
    """Which questions need no thought: small talk, or a short question with a short answer."""

    small_talk: list[str] = field(default_factory=list)  # how it begins
    small_talk_words: int = 0  # and its length at most
    question_words: int = 0
    answer_words: int = 0


@dataclass
class Thinking:
    """Thoughts that a model adds before the answers of general rows, and which can be used."""

    share: float = 0.0  # of the rows that have no thought and are not trivial
    trivial: Trivial = field(default_factory=Trivial)
    prompt: str = "{question}"  # what the model is asked; {answer} is the answer that the row has
    samples_per_row: int = 1  # the first thought that can be used is taken
    filters: list[str] = field(default_factory=list)
    min_language_consistency: float = 0.0
    max_paragraph_characters: int = 4000
    max_repetition: float = 0.5


@dataclass
class GeneralConfig(StageConfig):
    """General SFT rows: thinking for some, none for trivial ones (paper, 2.3)."""

    rows: dict[str, int] = field(default_factory=dict)  # of the tiny world: source → how many
    thinking: Thinking = field(default_factory=Thinking)
    sampling: Sampling = field(default_factory=Sampling)
    rollout: Rollout = field(default_factory=Rollout)
    system_prompt: str | None = None
    verifiers: Verifiers = field(default_factory=Verifiers)


@dataclass
class CleanConfig(StageConfig):
    """Rows of `data_from` without repetitions, and without anything of `apart_from`.

    The thresholds are similarities; null leaves that check out (docs/data_hygiene.md).
    """

    ngram: int = MISSING  # units: words, numbers, characters of an unspaced script
    min_words: int = MISSING  # units of an n-gram that are no numbers, at least
    boilerplate_items: int = MISSING  # an n-gram in more items of a benchmark identifies none
    shingle: int = MISSING  # units in a shingle, for near duplicates
    near_duplicate: float | None = MISSING  # Jaccard similarity of shingles
    paraphrase: float | None = MISSING  # cosine of prompts
    paraphrase_same_numbers: float | None = MISSING  # the same, where the numbers are the same


@dataclass
class Judge:
    """What the tiny judge gives a reply for being right, courteous or beside the point."""

    right: float = 4.0
    courteous: float = 2.0
    chatty: float = -1.0


@dataclass
class PreferencesConfig(StageConfig):
    """Pairs for the helpful reward model (`preferences`) or labels for the safety one (`labels`).

    Each pair is judged `votes` times in random positions and kept when the mean difference exceeds
    `margin`; lengths are balanced.
    """

    rows: int = MISSING
    votes: int = 4
    margin: float = 1.0
    judge: Judge = field(default_factory=Judge)
    judge_noise: float = 0.0
    # a JSONL or Parquet file of judgements in place of the tiny judge
    path: str | None = outside_file(None)


@dataclass
class RewardModelConfig(StageConfig):
    """A scalar reward model. objective: `pairwise` (helpful) or `pointwise` (safety)."""

    objective: str = MISSING
    scores: str = MISSING  # what it reads: `answer` (the final answer only) or `response` (all)
    optimizer: Optimizer = field(default_factory=Optimizer)
    epochs: float = MISSING
    batch_size: int = MISSING
    max_length: int = MISSING
    heldout_fraction: float = 0.1
    min_accuracy: float = 0.0  # below this on held-out rows the stage fails
    precision: Precision = field(default_factory=Precision)
    micro_batch: int = placement(32)
    save_steps: int = placement(50)


@dataclass
class EvaluateConfig(StageConfig):
    """Held-out evaluation: pass@1 over k samples, pass@k, cons@k, format, language, length."""

    sampling: Sampling = field(default_factory=Sampling)
    rollout: Rollout = field(default_factory=Rollout)
    samples_per_problem: int = MISSING
    # `r1 eval` draws as many as the benchmark says (`samples` in conf/data), where it says so
    samples_of_benchmark: bool = placement(False)
    limit_problems: int | None = None
    pass_at: list[int] = field(default_factory=lambda: [1])
    budgets: list[int] = field(default_factory=list)  # thinking is cut after so many tokens
    waits: list[int] = field(default_factory=list)  # thinking is made to go on so many times
    wait_words: dict[str, str] = field(default_factory=dict)  # language → what makes it go on
    checking_words: list[str] = field(default_factory=list)  # counted in every completion
    answer_tokens: int = 64  # room for the answer after a thought cut at its budget
    system_prompt: str | None = None
    verifiers: Verifiers = field(default_factory=Verifiers)
