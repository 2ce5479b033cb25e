"""How completions are drawn, and by which engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec

from omegaconf import MISSING

from pipeline.kinds import Needs, Problem
from stages.settings.stage import from_root, placement
from stages.settings.values import at_least, one_of

ENGINES = ("transformers", "vllm")
FILE, BROADCAST = "file", "broadcast"  # how engines get new weights
HOLD = "stages.rollout.engine_node:hold"  # what a node does that holds engines alone
SERVER = "server"  # the engine of a served model alone


@dataclass
class Sampling:
    """How completions are drawn. top_k 0 means no limit."""

    temperature: float = MISSING
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = MISSING


@dataclass
class Server:
    """How an OpenAI-compatible server is asked; none of it changes what it answers."""

    api_key_env: str = MISSING  # the environment variable that holds the key, if any
    concurrency: int = MISSING  # requests at a time
    timeout: float = MISSING  # seconds for one answer
    retries: int = MISSING  # after a broken connection, a timeout, 429 or 5xx
    pause: float = MISSING  # seconds before the first of them; each further pause is twice as long


@dataclass
class Rollout:
    """Which engine generates (`transformers`, `vllm` or `server`) and how it is batched.

    dtype: of the weights while they generate, as published when `auto`; RL has its own precision.
    max_model_tokens, kv_cache_gib, gpu_memory_utilization: vLLM's. The first bounds prompt and
    completion where the model sees more than memory holds; the second is the memory for keys and
    values, by default what the third leaves on a GPU and 1 GiB on a CPU.
    weights: `file`, or `broadcast` to engines with GPUs or machines of their own.
    engine_nodes: further nodes of the stage's job on a cluster that hold engines alone.
    engines_at: `host:port` of engines that `r1 engine` has started, in place of own ones.
    """

    engine: str = MISSING
    dtype: str = MISSING  # or `float32`, `bfloat16`, `float16`
    batch_tokens: int = placement(MISSING)  # sequences × their longest length, per generate call
    shard_samples: int = placement(MISSING)  # drawn, and lost by a kill, together
    replicas: int = placement(
        MISSING
    )  # engines, each on GPUs of its own; 0: as many as the GPUs allow
    max_model_tokens: int | None = placement(None)
    kv_cache_gib: float | None = placement(None)
    gpu_memory_utilization: float = placement(MISSING)
    tensor_parallel_size: int = placement(MISSING)
    own_gpus: int = placement(MISSING)  # of RL: GPUs of engines alone; 0: they share training's
    engine_nodes: int = placement(MISSING)  # beside the stage's own engines; of RL: in their place
    weights: str = placement(MISSING)  # of RL: how engines get new ones
    engines_at: list[str] = field(default_factory=list, metadata={"identity": False})
    server: Server = from_root("server", Server, identity=False)

    @property
    def apart(self) -> bool:
        """Of RL: whether engines have GPUs or machines that no process trains on."""
        return bool(self.own_gpus or self.engine_nodes or self.engines_at)


def sampling(config: Sampling, key: str = "sampling") -> Iterator[Problem]:
    """A way of drawing that there is; a temperature of 0 takes the likeliest token."""
    yield from at_least(config, 0, "temperature", "top_k", below=key)
    yield from at_least(config, 1, "max_tokens", below=key)
    if not 0 < config.top_p <= 1:
        yield Problem(f"{key}.top_p", f"is {config.top_p:g}: set it above 0, up to 1")


def rollout(config: Rollout, served: bool = False, elsewhere: bool = False) -> Iterator[Problem]:
    """An engine that there is, and that is installed here, or in an environment elsewhere.

    served: it asks a server.
    """
    key = "rollout.engine"
    yield from one_of(key, config.engine, (SERVER,) if served else ENGINES)
    yield from one_of("rollout.weights", config.weights, (FILE, BROADCAST))
    yield from at_least(config, 1, "batch_tokens", "shard_samples", below="rollout")
    yield from at_least(config, 0, "engine_nodes", below="rollout")
    if config.engine_nodes and (served or config.engines_at):
        why = "rollout.engines_at names the engines" if config.engines_at else "a server answers"
        yield Problem("rollout.engine_nodes", f"is {config.engine_nodes}, and {why}: set it to 0")
    if config.engine == "vllm" and not elsewhere and find_spec("vllm") is None:
        yield Problem(
            key,
            "is `vllm`, which is not installed here: `make vllm` (or pip install "
            "'r1-recipe[vllm]'), or set rollout=transformers",
            when_run=True,
        )


def fleet(rollout: Rollout) -> Needs:
    """Of a stage that samples: its own engines, and nodes with more of them."""
    if rollout.engine == SERVER or rollout.engines_at:
        return Needs()
    each, nodes = rollout.tensor_parallel_size, rollout.engine_nodes
    return Needs(1, rollout.replicas * each or None, each, engine_nodes=nodes, engine_devices=each)
