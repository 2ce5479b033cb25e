"""The engine that a profile asks for, opened: transformers, vLLM or a server."""

from __future__ import annotations

from pathlib import Path

from stages.rollout.engine import Engine, check_engine
from stages.settings.generation import Rollout


def open_engine(
    model_path: Path, rollout: Rollout, threads: int, shares_gpu: bool = False
) -> Engine:
    """The engine that the profile asks for, with the model loaded, in this process.

    shares_gpu: with training, which vLLM makes room for when it sleeps.
    """
    check_engine(rollout)
    if rollout.engine == "vllm":
        from stages.rollout.vllm_engine import VLLMEngine

        return VLLMEngine.open(model_path, rollout, threads, shares_gpu)
    if rollout.engine == "server":
        from stages.rollout.server_engine import ServerEngine

        return ServerEngine.open(model_path, rollout)
    from stages.rollout.transformers_engine import TransformersEngine

    return TransformersEngine.open(model_path, rollout, threads)
