"""What the configs of several kinds share."""

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


def from_root(made: Any, key: str, **metadata: Any) -> Any:
    """A field that has what the root has under `key`, unless the stage says otherwise.

    made: its value where nothing is composed, by Hydra (pipeline/compose.py).
    """
    return field(default_factory=made, metadata={"root": key, **metadata})


@dataclass
class StageConfig:
    """What every stage has: its kind, its edges, its seed.

    sources: where its numbers in conf/ come from, by dotted key: a section of the paper.
    """

    kind: str = MISSING
    init_from: str | None = None
    data_from: list[str] = field(default_factory=list)
    apart_from: list[str] = field(default_factory=list)
    score_with: list[str] = field(default_factory=list)
    evaluates: str | None = None
    seed: int = field(default=MISSING, metadata={"root": "seed"})
    sources: dict[str, str] = field(default_factory=dict, metadata={"identity": False})


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
    vllm_server: str | None = placement(None)  # of RL: the URL of `trl vllm-serve`
    server: Server = from_root(Server, "server", identity=False)


@dataclass
class Verifiers:
    """How answers are judged. How they are read is written down in stages/verifiers/answer.py."""

    policy: str = "lenient"  # or "strict": right answers must have been worked for
    forms: list[str] = field(default_factory=lambda: ["tag", "box", "line"])  # of an answer
    several: str = "wrong"  # several different answers; or "last"
    thought: str = "optional"  # or "required", where the prompt ends with <think>
    seconds: float = 5.0  # CPU time of one answer
    workers: int = placement(1)


@dataclass
class TrainingVerifiers(Verifiers):
    """How answers are judged that a model learns from."""

    policy: str = from_root(lambda: "strict", "verifiers.training_policy")


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
class Parallel:
    """A trained stage as a gang of processes (conf/parallel; docs/parallel.md).

    processes: null is one for each GPU that the launcher gives the stage. strategy: `ddp` has a
    copy of everything in each process, `fsdp` and `deepspeed` share out weights, gradients or
    optimiser states. fsdp, deepspeed: what accelerate reads, by its own names.
    """

    processes: int | None = 1
    strategy: str = "ddp"
    fsdp: dict[str, Any] = field(default_factory=dict)
    deepspeed: dict[str, Any] = field(default_factory=dict)
    wait_minutes: float = 120.0  # for the slowest process, before the gang is given up


@dataclass
class Precision:
    """bf16 autocast and gradient checkpointing change rounding, so they are part of identity."""

    bf16: bool = False
    gradient_checkpointing: bool = False
