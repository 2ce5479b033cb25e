"""An engine of a few lines, without torch: it fails in the ways that engines fail in."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
import time
from pathlib import Path

WORDS = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)


def path_of(key: str) -> Path:
    return Path(WORDS[key].strip("'"))


def die() -> None:
    print("step:0 - loading")
    raise MemoryError("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB")


def row() -> None:
    """It asks for the reward of a row under a prompt that there is not."""
    path = path_of("reward.custom_reward_function.path")
    spec = importlib.util.spec_from_file_location("custom_reward", path)
    client = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(client)  # type: ignore[union-attr]
    asyncio.run(client.compute_score("x", "said", "", {"index": 3, "prompt": 10**6}))


def forget() -> None:
    """It says that it has done all."""
    folder = path_of("trainer.default_local_dir")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latest_checkpointed_iteration.txt").write_text(WORDS["trainer.total_training_steps"])


def explode() -> None:
    with Path(os.environ["VERL_FILE_LOGGER_PATH"]).open("w") as log:
        log.write(json.dumps({"step": 1, "data": {"actor/kl_loss": 1e6}}) + "\n")
        log.flush()
        time.sleep(600)


if __name__ == "__main__":
    {"die": die, "row": row, "leave": print, "forget": forget, "explode": explode}[WORDS["do"]]()
