"""The task of benchmarks/sft.py: the numbers of a profile's stage `dev1`, a model and rows."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from transformers import Qwen2Config, Qwen2ForCausalLM

from pipeline.compose import compose
from stages.kinds.sft.kind import SFTConfig
from stages.project import R1
from stages.rows.schemas import CONVERSATION, Row, write_rows
from stages.tiny.tokenizer import save_tokenizer
from stages.tiny.worked import worked
from stages.training.common import load_tokenizer

BASES = Path(__file__).resolve().parents[1] / "artifacts" / "base"
DOMAINS = ("math", "code", "stem", "logic")
WARM = 4  # steps in which compilers work and caches fill
COMPILED = ("ours, compiled", "bare")
ROWS = 10  # of a compiled pass on the tiny profile, both sides: a step of 16-19 rows is two passes
#: Qwen2.5-1.5B's shape; the tiny tokenizer's ids are the first of its vocabulary.
BIG_SHAPE = {
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "max_position_embeddings": 32768,
    "tie_word_embeddings": True,
}


def stage_config(profile: str, more: Iterable[str] = ()) -> SFTConfig:
    """The stage `dev1` as a run with this profile has it."""
    config: SFTConfig = compose(R1, [f"profile={profile}", *more]).stages["dev1"]
    return config


def base_model(model: str | None, threads: int, folder: Path) -> Path:
    """A model's folder; `1.5b` is made here, of random weights."""
    tiny = next(BASES.glob("*/model"))
    if model != "1.5b":
        return Path(model) if model else tiny
    made = folder / "model"
    tokenizer = load_tokenizer(tiny)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    Qwen2ForCausalLM(Qwen2Config(**BIG_SHAPE, **ends)).bfloat16().save_pretrained(made)
    save_tokenizer(tokenizer, made)
    return made


def task_of(name: str, options: argparse.Namespace, model: Path, seed: int) -> dict[str, Any]:
    """What a contestant is told."""
    config = stage_config(options.profile)
    changes: dict[str, Any] = {}
    if name in COMPILED and options.profile == "tiny":
        changes["micro_batch"] = ROWS
    if name == "ours, compiled":
        changes |= {
            "compile_from_tokens": 0,
            "precision.bf16": True,
            "row_tokens": config.max_length,
        }
    count = options.steps * config.batch_size
    rows = made_up(count, options.length) if options.length else tiny_rows(count, seed)
    return {
        "model": str(model),
        "rows": rows,
        "profile": options.profile,
        "overrides": [f"stages.dev1.{key}={value}" for key, value in changes.items()],
        "steps": options.steps,
        "seed": seed,
        "threads": options.threads,
        "defaults": "defaults" in name,
    }


def write_task(task: dict[str, Any], folder: Path) -> Path:
    """The task as JSON, its rows beside it."""
    file = folder / "task.json"
    rows = folder / "rows" / "rows.parquet"
    rows.parent.mkdir()
    write_rows(rows, task.pop("rows"), CONVERSATION)
    file.write_text(json.dumps(task | {"rows": str(rows)}))
    return file


def point(loss: float, tokens: float) -> dict[str, float]:
    """What a contestant notes at the end of a step."""
    return {"time": time.time(), "cpu": time.process_time(), "loss": loss, "tokens": tokens}


def tiny_rows(count: int, seed: int) -> list[Row]:
    """Worked conversations of all domains and both languages, in an order of the seed."""
    each = -(-count // (2 * len(DOMAINS)))
    rows = [
        row
        for domain in DOMAINS
        for language in ("en", "zh")
        for row in worked(domain, language, each, seed, "train")
    ]
    random.Random(seed).shuffle(rows)
    return list(islice(_again(rows), count))


def _again(rows: list[Row]) -> Iterable[Row]:
    """The rows, then once more under other names, without end: some domains are small."""
    round_ = 0
    while True:
        yield from ({**row, "id": f"{row['id']}-{round_}"} for row in rows)
        round_ += 1


def made_up(count: int, length: int) -> list[Row]:
    """Rows of about `length` tokens: digits, a token each."""
    draw = random.Random(0)
    return [
        {
            "id": f"made-{number}",
            "domain": "math",
            "language": "en",
            "prompt": [{"role": "user", "content": "?"}],
            "completion": "".join(draw.choices("0123456789", k=length - 8)),
            "source": "made up",
        }
        for number in range(count)
    ]
