"""Our engines beside the libraries that they are made of, on the same requests in one run.

    make bench-rollout, or python -m benchmarks.engines [--engine vllm] [--model PATH] [--json FILE]

--engine vllm          our engine and our fleet against `LLM.generate`: what our layer costs. Goal:
                       at least 0.95 of its tokens a second. Neither gives log-probabilities, as
                       sampling and evaluation need none; a line says what they cost.
--engine transformers  against `model.generate`, well batched and in a plain loop over the requests
                       as they come. Goal: at least 1.3 times the loop.

Every contestant has a process of its own with the model loaded and warm, and only one works at a
time. They take turns, in another order each round; what is printed is the median of the ratios of
the rounds, with the lowest and the highest. Tokens a second count sampled tokens up to the end
token: `generate` goes on to the end of its batch, and what comes after is thrown away.

The model is the trained base of the tiny recipe, on questions of the tiny world, so that lengths
differ as they do; or --model PATH; or --model 1.5b, random weights in the shape of Qwen2.5-1.5B,
made on the spot, for a GPU: --samples 8 --max-tokens 1024 --memory 0.3. That has not been run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.engine_contestants import (
    Apart,
    Contestant,
    OurFleet,
    Run,
    Setting,
    Task,
    bare_vllm,
    bare_vllm_one_process,
    our_engine,
    our_engine_logprobs,
    plain_generate,
    sorted_generate,
)
from pipeline.compose import compose
from stages.chat.template import render_prompt
from stages.kinds.pretrain.kind import ModelShape
from stages.project import R1
from stages.rollout.engine import GenerationRequest
from stages.settings.generation import Sampling
from stages.tiny.model import build_model
from stages.tiny.problems import generate
from stages.tiny.tokenizer import save_tokenizer
from stages.training.common import load_tokenizer

BASES = Path(__file__).resolve().parents[1] / "artifacts" / "base"
LARGE = ModelShape("qwen2", 1536, 8960, 28, 12, 2, max_position_embeddings=32768)
DOMAINS = ("math", "logic", "stem", "general")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the rounds, print the table, and write everything as JSON where asked."""
    options = _options(argv)
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    console = Console(width=options.width)
    with tempfile.TemporaryDirectory() as folder:
        setting = _setting(options, Path(folder))
        task = Task(
            _requests(setting.model, options.prompts, options.samples),
            Sampling(1.0, options.top_p, max_tokens=options.max_tokens),
        )
        console.print(_what_runs(setting, task, options))
        runs = measure(setting, task, options.engine, options.rounds)
    report = summary(runs)
    console.print(table(report, _baseline(options.engine)))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-rollout engines")
    parser.add_argument("--engine", choices=("transformers", "vllm"), default="transformers")
    parser.add_argument("--model", default="", help="a model's folder, or 1.5b; default: tiny")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: a GPU if there is one")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--prompts", type=int, default=256)
    parser.add_argument("--samples", type=int, default=8, help="of each prompt")
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of each contestant, on a CPU")
    parser.add_argument("--shard-samples", type=int, default=1024, help="of a shard of the fleet")
    parser.add_argument("--memory", type=float, default=0.3, help="of a GPU, for each vLLM")
    parser.add_argument("--json", type=Path, help="write every run here")
    parser.add_argument("--width", type=int, default=110)
    return parser.parse_args(argv)


def _setting(options: argparse.Namespace, folder: Path) -> Setting:
    if options.model == "1.5b":
        model = _large(folder / "model")
    else:
        model = Path(options.model) if options.model else next(BASES.glob("*/model"))
    rollout = replace(
        compose(R1, []).stages["eval_base"].rollout,
        engine=options.engine,
        dtype=options.dtype,
        gpu_memory_utilization=options.memory,
        replicas=1,
    )
    return Setting(model, rollout, options.threads, options.shard_samples)


def _large(path: Path) -> Path:
    tokenizer = load_tokenizer(next(BASES.glob("*/model")))
    torch.manual_seed(0)
    build_model(LARGE, tokenizer).to(torch.bfloat16).save_pretrained(path)
    save_tokenizer(tokenizer, path)
    return path


def _requests(model: Path, count: int, samples: int) -> list[GenerationRequest]:
    """Questions of the tiny world in both languages, shuffled: as lengths come in real data."""
    tokenizer = load_tokenizer(model)
    each = -(-count // (2 * len(DOMAINS)))
    rows = [
        row
        for domain in DOMAINS
        for language in ("en", "zh")
        for row in generate(domain, language, each, seed=0, split="train")
    ]
    Random(0).shuffle(rows)
    texts = [render_prompt(tokenizer, row["prompt"]) for row in rows[:count]]
    ids = tokenizer(texts, add_special_tokens=False).input_ids
    return [GenerationRequest(prompt, samples, seed=i * samples) for i, prompt in enumerate(ids)]


def measure(setting: Setting, task: Task, engine: str, rounds: int) -> dict[str, list[Run]]:
    """Every contestant's runs; the order turns by one place each round."""
    others = {
        "transformers": {
            "generate, plain loop": plain_generate,
            "generate, well batched": sorted_generate,
        },
        "vllm": {
            "LLM.generate": bare_vllm,
            "LLM.generate, one process": bare_vllm_one_process,
        },
    }[engine]
    with ExitStack() as stack:
        contestants: list[Contestant] = []
        ours = {"ours: engine": our_engine, "ours: log-probabilities": our_engine_logprobs}
        for name, make in {**others, **ours}.items():
            contestants.append(Apart(name, make, setting))
            stack.callback(contestants[-1].close)
        contestants.append(OurFleet(setting))
        stack.callback(contestants[-1].close)
        for contestant in contestants:
            contestant.run(task)  # warm: compiled, cached, grown
        runs: dict[str, list[Run]] = {contestant.name: [] for contestant in contestants}
        for number in range(rounds):
            turn = number % len(contestants)
            for contestant in contestants[turn:] + contestants[:turn]:
                runs[contestant.name].append(contestant.run(task))
    return runs


def summary(runs: dict[str, list[Run]]) -> dict[str, Any]:
    """Tokens a second of each contestant, and its ratio to every other one, round by round."""
    return {
        name: {
            "seconds": [run.seconds for run in own],
            "tokens": [run.tokens for run in own],
            "tokens_per_second": statistics.median(run.rate for run in own),
            "ratio_to": {
                other: [mine.rate / theirs.rate for mine, theirs in zip(own, those, strict=True)]
                for other, those in runs.items()
            },
        }
        for name, own in runs.items()
    }


def _baseline(engine: str) -> tuple[str, ...]:
    return {
        "transformers": ("generate, plain loop", "generate, well batched"),
        "vllm": ("LLM.generate", "LLM.generate, one process"),
    }[engine]


def table(report: dict[str, Any], baselines: Sequence[str]) -> Table:
    """A line for each contestant; ratios as median (lowest to highest)."""
    shown = Table(title="Generation, side by side")
    shown.add_column("")
    for head in ("tokens/s", "tokens", *(f"× {name}" for name in baselines)):
        shown.add_column(head, justify="right")
    for name, numbers in report.items():
        ratios = [numbers["ratio_to"][other] for other in baselines]
        shown.add_row(
            name,
            f"{numbers['tokens_per_second']:,.0f}",
            f"{statistics.median(numbers['tokens']):,.0f}",
            *(f"{statistics.median(r):.2f} ({min(r):.2f} to {max(r):.2f})" for r in ratios),
        )
    return shown


def _what_runs(setting: Setting, task: Task, options: argparse.Namespace) -> str:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    lengths = [len(request.prompt_ids) for request in task.requests]
    return (
        f"{device}, {os.cpu_count()} cores, {setting.threads} threads; "
        f"{options.model or 'the tiny base'}, {options.dtype}; {len(lengths)} prompts of "
        f"{min(lengths)} to {max(lengths)} tokens × {options.samples} samples of at most "
        f"{options.max_tokens}, T = 1, top-p {options.top_p}; {options.rounds} rounds"
    )


if __name__ == "__main__":
    main()
