"""How long an engine waits for new weights: as a folder and by broadcast, about 1 GB of them.

    python -m benchmarks.weights [vllm]

A model of 245M random weights in float32, in an engine of another process. `write`: the folder, as
RL writes it. `load`: until the engine has taken it over. `broadcast`: until it has the same tensors
without a folder (by gloo on a CPU). Medians of three.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from stages.kinds.pretrain.kind import ModelShape
from stages.rl import policy_weights
from stages.rollout.engine import GenerationRequest
from stages.rollout.fleet import Fleet
from stages.settings.generation import Rollout, Sampling
from stages.tiny.model import build_model
from stages.training.common import load_tokenizer

HOME = Path(__file__).resolve().parents[1]
SHAPE = ModelShape("qwen2", 1024, 4096, 16, 16, 4)


def main() -> None:
    engine = "vllm" if "vllm" in sys.argv[1:] else "transformers"
    (base,) = (HOME / "artifacts" / "base").glob("*/model")
    tokenizer = load_tokenizer(base)
    model = build_model(SHAPE, tokenizer)
    with (
        tempfile.TemporaryDirectory() as place,
        Fleet.open(
            _written(model, tokenizer, Path(place) / "0"), _rollout(engine), threads=1
        ) as fleet,
    ):
        fleet.generate([GenerationRequest([5, 6], 1, 0)], Sampling(0.0, max_tokens=2))
        rounds = [_round(model, tokenizer, fleet, Path(place) / str(n)) for n in (1, 0, 1)]
    table = Table(title=f"to one engine ({engine}), {fleet.deaths} deaths")
    for column in rounds[0]:
        table.add_column(f"{column}, s", justify="right")
    table.add_row(*(f"{statistics.median(one[name] for one in rounds):.2f}" for name in rounds[0]))
    Console().print(table)


def _round(model: torch.nn.Module, tokenizer: Any, fleet: Fleet, folder: Path) -> dict[str, float]:
    """Seconds of each part."""
    begun = time.monotonic()
    _written(model, tokenizer, folder)
    written = time.monotonic()
    fleet.sync(folder, 1)
    loaded = time.monotonic()
    fleet.broadcast(policy_weights.tensors(model, torch.float32), 2, lambda: folder)
    sent = time.monotonic()
    return {"write": written - begun, "load": loaded - written, "broadcast": sent - loaded}


def _rollout(engine: str) -> Rollout:
    shipped = OmegaConf.load(HOME / "conf/rollout/_engine.yaml")
    given = {"engine": engine, "dtype": "float32", "kv_cache_gib": 0.25}
    return Rollout(**{str(key): value for key, value in shipped.items()} | given)


def _written(model: torch.nn.Module, tokenizer: Any, folder: Path) -> Path:
    policy_weights.write(model, tokenizer, folder, torch.float32)
    return folder


if __name__ == "__main__":
    main()
