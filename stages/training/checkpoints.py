"""Checkpoints that can be trusted: complete, unharmed, bounded.

A checkpoint is the Trainer's own `checkpoint-<step>/` folder in the stage's work directory:

    model.safetensors (or the adapters), optimizer.pt, scheduler.pt, rng_state.pth,
    trainer_state.json, training_args.bin, tokenizer files; of RL also the synced reference;
    metrics.jsonl, the curve up to its step, as facts are computed from it

and a `complete.json` written last, when everything else is on the disk, that lists every file with
its size and SHA-256. A kill between two writes leaves a folder without that list. A machine that
loses power may leave files of the right size full of zeros, which only the digest shows. `last`
removes a folder that does not match its list and takes the one before.

The Trainer removes older folders after it wrote a new one and before that is marked, so with
`save_total_limit=KEPT` of 2 one whole checkpoint is always there. Two folders of a model with fp32
AdamW hold 2 × 12 bytes a weight (LoRA: of its adapters alone); nothing in them grows with steps.

Digests cost 0.37 s of a processor for 384 MiB, which took 1.9 s of it to write; four files are read
at a time. A resume reads the checkpoint once more.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from pathlib import Path

from pipeline import state, threads

KEPT = 2
COMPLETE = "complete.json"
PREFIX = "checkpoint-"
_NAME = re.compile(f"{PREFIX}(0|[1-9][0-9]*)")
READERS = 4  # files that are read side by side


def mark_complete(checkpoint: Path) -> None:
    """Flush every file, then write the list of their sizes and digests, atomically and last."""
    files = _files(checkpoint)
    for path in (*files, *(p for p in checkpoint.rglob("*") if p.is_dir()), checkpoint):
        state.flush(path)
    state.write(checkpoint / COMPLETE, _digests(checkpoint, files))
    state.flush(checkpoint / COMPLETE)
    state.flush(checkpoint)
    state.flush(checkpoint.parent)


def at(work: Path | str, step: int) -> Path:
    """Where the checkpoint of a step is, or will be."""
    return Path(work) / f"{PREFIX}{step}"


def last(work: Path) -> Path | None:
    """The newest whole checkpoint of a work directory, or None; harmed ones are removed.

    What only looks like a checkpoint is renamed: the Trainer would count it as one of those that it
    keeps, or stumble over it.
    """
    for path in set(work.glob(f"{PREFIX}*")) - set(_checkpoints(work)):
        aside = path.with_name(f"stray-{path.name}-{time.time_ns()}")
        print(f"{path.name} is no checkpoint: it is called {aside.name} now", flush=True)
        path.rename(aside)
    for checkpoint in sorted(_checkpoints(work), key=step_of, reverse=True):
        if is_whole(checkpoint):
            return checkpoint
        print(f"{checkpoint.name} is torn or harmed: removed, the one before is used", flush=True)
        shutil.rmtree(checkpoint)
    return None


def kept_words(work: Path) -> str:
    """What an error says of the checkpoint that a stage goes on from."""
    kept = [path for path in _checkpoints(work) if (path / COMPLETE).exists()]
    if not kept:
        return "No checkpoint was written before it."
    return f"{max(kept, key=step_of).name} is kept."


def step_of(checkpoint: Path) -> int:
    """The optimiser step of a checkpoint folder."""
    return int(checkpoint.name.removeprefix(PREFIX))


def is_whole(checkpoint: Path) -> bool:
    """Whether the files are those that were there when the checkpoint was finished, unchanged."""
    try:
        listed = state.read(checkpoint / COMPLETE, dict[str, tuple[int, str]])
        files = _files(checkpoint)
        sizes = {_name(path, checkpoint): path.stat().st_size for path in files}
        if listed is None or sizes != {name: size for name, (size, _) in listed.items()}:
            return False  # without reading gigabytes
        return _digests(checkpoint, files) == listed
    except OSError:
        return False


def _checkpoints(work: Path) -> list[Path]:
    found = work.glob(f"{PREFIX}*")
    return [path for path in found if _NAME.fullmatch(path.name) and path.is_dir()]


def _digests(checkpoint: Path, files: list[Path]) -> dict[str, tuple[int, str]]:
    with threads.Executor(READERS) as pool:
        digests = list(pool.map(_sha256, files))
    return {
        _name(path, checkpoint): (path.stat().st_size, digest)
        for path, digest in zip(files, digests, strict=True)
    }


def _files(checkpoint: Path) -> list[Path]:
    return sorted(p for p in checkpoint.rglob("*") if p.is_file() and p.name != COMPLETE)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(path: Path, checkpoint: Path) -> str:
    return path.relative_to(checkpoint).as_posix()
