"""Checkpoints that can be trusted: complete, unharmed, bounded.

A checkpoint is the Trainer's own `checkpoint-<step>/` folder in the stage's work directory:

    model.safetensors (or the adapters), optimizer.pt, scheduler.pt, rng_state.pth,
    trainer_state.json, training_args.bin, tokenizer files; of RL also the synced reference

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
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from pipeline import threads

KEPT = 2
COMPLETE = "complete.json"
PREFIX = "checkpoint-"
READERS = 4  # files that are read side by side


def mark_complete(checkpoint: Path) -> None:
    """Flush every file, then write the list of their sizes and digests, atomically and last."""
    files = _files(checkpoint)
    for path in (*files, *(p for p in checkpoint.rglob("*") if p.is_dir()), checkpoint):
        _flush(path)
    aside = checkpoint / f"{COMPLETE}.tmp"
    aside.write_text(json.dumps(_digests(checkpoint, files)))
    _flush(aside)
    os.replace(aside, checkpoint / COMPLETE)
    _flush(checkpoint)
    _flush(checkpoint.parent)


def last(work: Path) -> Path | None:
    """The newest whole checkpoint of a work directory, or None; harmed ones are removed."""
    for checkpoint in sorted(work.glob(f"{PREFIX}*"), key=step_of, reverse=True):
        if is_whole(checkpoint):
            return checkpoint
        print(f"{checkpoint.name} is torn or harmed: removed, the one before is used", flush=True)
        shutil.rmtree(checkpoint)
    return None


def kept_words(work: Path) -> str:
    """What an error says of the checkpoint that a stage goes on from."""
    kept = [path for path in work.glob(f"{PREFIX}*") if (path / COMPLETE).exists()]
    if not kept:
        return "No checkpoint was written before it."
    return f"{max(kept, key=step_of).name} is kept."


def step_of(checkpoint: Path) -> int:
    """The optimiser step of a checkpoint folder."""
    return int(checkpoint.name.removeprefix(PREFIX))


def is_whole(checkpoint: Path) -> bool:
    """Whether the files are those that were there when the checkpoint was finished, unchanged."""
    try:
        listed: Mapping[str, list[int | str]] = json.loads((checkpoint / COMPLETE).read_text())
        files = _files(checkpoint)
        sizes = {_name(path, checkpoint): path.stat().st_size for path in files}
        if sizes != {name: size for name, (size, _) in listed.items()}:
            return False  # without reading gigabytes
        return _digests(checkpoint, files) == listed
    except (OSError, ValueError, TypeError, AttributeError):
        return False


def _digests(checkpoint: Path, files: list[Path]) -> dict[str, list[int | str]]:
    with threads.Executor(READERS) as pool:
        digests = list(pool.map(_sha256, files))
    return {
        _name(path, checkpoint): [path.stat().st_size, digest]
        for path, digest in zip(files, digests, strict=True)
    }


def _files(checkpoint: Path) -> list[Path]:
    own = (COMPLETE, f"{COMPLETE}.tmp")
    return sorted(p for p in checkpoint.rglob("*") if p.is_file() and p.name not in own)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(path: Path, checkpoint: Path) -> str:
    return path.relative_to(checkpoint).as_posix()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
