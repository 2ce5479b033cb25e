"""An engine of a few lines, without torch: it fails in the ways that engines fail in."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import sys
import time
from pathlib import Path

WORDS = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)


def path_of(key: str) -> Path:
    return Path(WORDS[key].strip("'"))


def die() -> None:
    print("step:0 - loading")
    raise MemoryError("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB")


def ask(*rows: tuple[int, int]) -> list[float]:
    """The rewards of one answer to the rows at these places, with these prompts, by the client."""
    path = path_of("reward.custom_reward_function.path")
    spec = importlib.util.spec_from_file_location("custom_reward", path)
    assert spec is not None
    assert spec.loader is not None
    client = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(client)

    async def all_of_them() -> list[float]:
        infos = [{"index": place, "prompt": prompt} for place, prompt in rows]
        said = "<think>Wait, let me check</think>5"
        return list(await asyncio.gather(*(client.compute_score("x", said, "", i) for i in infos)))

    return asyncio.run(all_of_them())


def row() -> None:
    """It asks for the reward of a row under a prompt that there is not."""
    ask((3, 10**6))


def walk() -> None:
    """It does all that verl does but learning; in its second rollout it hangs, once."""
    folder, model = path_of("trainer.default_local_dir"), path_of("actor_rollout_ref.model.path")
    folder.mkdir(parents=True, exist_ok=True)
    tracker = folder / "latest_checkpointed_iteration.txt"
    step = int(tracker.read_text()) if tracker.exists() else 0
    on = (folder / f"global_step_{step}" / "data.pt").exists()
    print(f"from {step} with {model.name}, rows {'go on' if on else 'anew'}", flush=True)
    questions, n = int(WORDS["data.train_batch_size"]), int(WORDS["actor_rollout_ref.rollout.n"])
    while step < int(WORDS["trainer.total_training_steps"]):
        step += 1
        if step == 2 and not (folder / "hung").exists():
            (folder / "hung").touch()
            time.sleep(600)
        rewards = ask(*((place, place % 10) for place in range(questions) for _ in range(n)))
        saved = folder / f"global_step_{step}"
        shutil.copytree(model, saved / "actor" / "huggingface", dirs_exist_ok=True)
        (saved / "data.pt").touch()
        tracker.write_text(str(step))
        with Path(os.environ["VERL_FILE_LOGGER_PATH"]).open("a") as log:
            mean = sum(rewards) / len(rewards)
            log.write(json.dumps({"step": step, "data": {"critic/score/mean": mean}}) + "\n")


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
    {f.__name__: f for f in (die, row, walk, print, forget, explode)}[WORDS["do"]]()
