"""Evaluation measured: our stage and our engine beside trl's generation and a plain loop.

    python -m benchmarks.evaluation --model MODEL_DIR [--problems 2000 --samples 8] [--json FILE]

The problems are the tiny world's. They are cut into rounds; in each round all four contenders
answer the same problems with the same settings and threads, one after the other, and the order
turns from round to round, so that a machine that others use slows all alike. Each contender is warm
before the first. Told are samples a second and ratios of the sums over the rounds.

    stage     the stage `evaluate` end to end, nothing drawn before: loading, sampling, judging,
              votes, intervals, files
    engine    our engine alone on the same requests
    trl       `GRPOTrainer`'s own generation (`_generate`: tokenise, generate, cut, decode), with
              each prompt as often as it has samples, in batches of --batch sequences; trl has no
              other way to generate without vLLM
    generate  a plain loop over `model.generate` with `num_return_sequences`, in the order given and
              in batches of as many sequences

Not a test: it prints what is true.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.artifact import Artifact
from pipeline.compose import compose
from pipeline.context import Context
from stages.kinds.evaluate.config import EvaluateConfig
from stages.project import R1
from stages.rollout.engine import GenerationRequest
from stages.rollout.opening import open_engine
from stages.rows.schemas import PROBLEM, Row, write_rows
from stages.sampling.collect import make_jobs
from stages.sampling.ledger import key_of, seed_of
from stages.settings.generation import Sampling
from stages.tiny.problems import DOMAINS, generate

WARM = 8  # problems before the clock starts
STAGE, ENGINE, TRL, PLAIN = "stage", "engine", "trl", "generate"

Contender = Callable[[Sequence[Row]], int]  # answers problems; how many tokens it drew


@dataclass
class Measured:
    """What one contender did, over all rounds."""

    seconds: list[float] = field(default_factory=list)
    samples: int = 0
    tokens: int = 0

    def add(self, seconds: float, samples: int, tokens: int) -> None:
        self.seconds.append(seconds)
        self.samples += samples
        self.tokens += tokens

    @property
    def rate(self) -> float:
        return self.samples / sum(self.seconds)


@dataclass(frozen=True)
class Settings:
    """What all contenders share."""

    model: Path
    samples: int
    sampling: Sampling
    threads: int
    batch: int
    workers: int


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write the numbers as JSON where asked."""
    options = _options(argv)
    settings = Settings(
        _model_dir(options.model),
        options.samples,
        Sampling(options.temperature, options.top_p, 0, options.max_tokens),
        options.threads,
        options.batch,
        options.workers,
    )
    problems = tiny_problems(options.problems)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(settings, problems, options.rounds, Path(folder), set(options.only))
    report = _report(found, settings, len(problems), options.rounds)
    Console(width=options.width).print(_table(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-evaluation")
    parser.add_argument("--model", type=Path, required=True, help="an artifact or a checkpoint")
    parser.add_argument("--problems", type=int, default=2000)
    parser.add_argument("--samples", type=int, default=8, help="of each problem")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--batch", type=int, default=256, help="sequences, of trl and generate")
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("--temperature", type=float, default=0.6)
    parser.add_argument("--top-p", type=float, default=0.95)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes that judge")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--json", type=Path, help="write all numbers here")
    parser.add_argument("--width", type=int, default=120)
    return parser.parse_args(argv)


def _model_dir(path: Path) -> Path:
    """The checkpoint itself, or that of an artifact."""
    return (path / "model" if (path / "model").is_dir() else path).resolve()


def tiny_problems(count: int) -> list[Row]:
    """Held-out problems of all domains, each prompt once, as equal in number as there are any."""
    streams = [
        iter(generate(domain, language, count, seed=0, split="settling"))
        for domain in DOMAINS
        for language in ("en", "zh")
    ]
    rows: list[Row] = []
    while streams and len(rows) < count:
        for stream in list(streams):
            if row := next(stream, None):
                rows.append(row)
            else:
                streams.remove(stream)
    return rows[:count]


def measure(
    settings: Settings, problems: Sequence[Row], rounds: int, folder: Path, only: set[str]
) -> dict[str, Measured]:
    """Every contender on every part of the problems; the order turns from part to part."""
    contenders = {name: CONTENDERS[name](settings, folder) for name in CONTENDERS if name in only}
    for answer in contenders.values():
        answer(problems[:WARM])
    found = {name: Measured() for name in contenders}
    for number, part in enumerate(_parts(problems, rounds)):
        names = list(contenders)
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            started = time.perf_counter()
            tokens = contenders[name](part)
            seconds = time.perf_counter() - started
            found[name].add(seconds, len(part) * settings.samples, tokens)
            print(f"round {number + 1}: {name} {seconds:.1f} s", flush=True)
    return found


def _parts(problems: Sequence[Row], rounds: int) -> Iterator[Sequence[Row]]:
    size = -(-len(problems) // rounds)
    for start in range(0, len(problems), size):
        yield problems[start : start + size]


def _shipped() -> EvaluateConfig:
    """As the tiny recipe evaluates its base."""
    config: EvaluateConfig = compose(R1, []).stages["eval_base"]
    return config


def our_stage(settings: Settings, folder: Path) -> Contender:
    """The stage, in this process; a ledger of its own for each part, so that all is drawn."""
    from stages.kinds.evaluate.run import run

    source = folder / "model"
    source.mkdir()
    (source / "model").symlink_to(settings.model)
    model = Artifact(source, {"stage": "model", "type": "model", "fingerprint": "0" * 16})
    shipped = _shipped()
    config = replace(
        shipped,
        sampling=settings.sampling,
        samples_per_problem=settings.samples,
        voted=None,
        pass_at=[1, settings.samples],
        checking_words=["wait", "check"],
        verifiers=replace(shipped.verifiers, workers=settings.workers),
    )

    def answer(problems: Sequence[Row]) -> int:
        root = Path(tempfile.mkdtemp(dir=folder))
        for name in ("work", "output", "problems"):
            (root / name).mkdir()
        write_rows(root / "problems" / "rows.parquet", problems, PROBLEM)
        rows = Artifact(
            root / "problems", {"stage": "problems", "type": "problems", "fingerprint": "1" * 16}
        )
        places = (root / "work", root / "output")
        context = Context("bench", "f" * 16, *places, 0, settings.threads, root / "shared")
        outputs = run(config, {"evaluates": (model,), "data_from": (rows,)}, context)
        return round(outputs.facts["overall"]["length"]["value"] * outputs.funnel["samples"])

    return answer


def our_engine(settings: Settings, folder: Path) -> Contender:
    """The engine on the requests that the stage makes."""
    engine = open_engine(settings.model, _shipped().rollout, settings.threads)

    def answer(problems: Sequence[Row]) -> int:
        jobs = make_jobs(problems, engine.tokenizer, None, settings.samples)
        requests = [
            GenerationRequest(job.prompt_ids, job.n, seed_of(0, key_of(job.prompt_ids), job.first))
            for job in jobs
        ]
        answers = engine.generate(requests, settings.sampling)
        return sum(len(one.token_ids) for found in answers for one in found)

    return answer


def trl_generation(settings: Settings, folder: Path) -> Contender:
    """What `GRPOTrainer` does to answer a batch of its prompts."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    model, tokenizer = _loaded(settings)
    sampling = settings.sampling
    arguments = GRPOConfig(
        output_dir=str(folder / "trl"),
        per_device_train_batch_size=settings.batch,
        num_generations=settings.samples,
        max_completion_length=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        bf16=False,
        report_to=[],
        disable_tqdm=True,
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=arguments,
        train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": "3 + 4 = ?"}]}]),
        processing_class=tokenizer,
    )

    def answer(problems: Sequence[Row]) -> int:
        prompts = [row["prompt"] for row in problems for _ in range(settings.samples)]
        tokens = 0
        for start in range(0, len(prompts), settings.batch):
            _, completion_ids, *_ = trainer._generate(prompts[start : start + settings.batch])
            tokens += sum(map(len, completion_ids))
        return tokens

    return answer


def plain_generate(settings: Settings, folder: Path) -> Contender:
    """The loop that one writes first: batches in the order given, padded on the left."""
    import torch

    model, tokenizer = _loaded(settings)
    sampling = settings.sampling

    @torch.inference_mode()
    def answer(problems: Sequence[Row]) -> int:
        tokens, size = 0, max(1, settings.batch // settings.samples)
        for start in range(0, len(problems), size):
            texts = [
                tokenizer.apply_chat_template(
                    row["prompt"], tokenize=False, add_generation_prompt=True
                )
                for row in problems[start : start + size]
            ]
            batch = tokenizer(texts, padding=True, add_special_tokens=False, return_tensors="pt")
            batch = batch.to(model.device)
            ids = model.generate(
                **batch,
                do_sample=True,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=0,
                max_new_tokens=sampling.max_tokens,
                num_return_sequences=settings.samples,
                pad_token_id=tokenizer.pad_token_id,
            )[:, batch.input_ids.shape[1] :]
            tokenizer.batch_decode(ids, skip_special_tokens=True)
            tokens += int((ids != tokenizer.pad_token_id).sum())
        return tokens

    return answer


def _loaded(settings: Settings) -> tuple[Any, Any]:
    """A model of its own, with the tokenizer, as a user of transformers loads it."""
    from transformers import AutoModelForCausalLM

    from stages.training.common import load_tokenizer, on_gpu, use_threads

    use_threads(settings.threads)
    model = AutoModelForCausalLM.from_pretrained(
        settings.model, dtype="auto", trust_remote_code=False
    )
    return model.to("cuda" if on_gpu() else "cpu").eval(), load_tokenizer(settings.model)


CONTENDERS: dict[str, Callable[[Settings, Path], Contender]] = {
    STAGE: our_stage,
    ENGINE: our_engine,
    TRL: trl_generation,
    PLAIN: plain_generate,
}
RATIOS = ((STAGE, TRL), (STAGE, PLAIN), (ENGINE, TRL), (ENGINE, PLAIN), (STAGE, ENGINE))


def _report(
    found: dict[str, Measured], settings: Settings, problems: int, rounds: int
) -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "threads": settings.threads,
        "problems": problems,
        "samples": settings.samples,
        "rounds": rounds,
        "batch": settings.batch,
        "sampling": vars(settings.sampling),
        "contenders": {
            name: {
                "samples_per_second": round(one.rate, 1),
                "tokens_per_sample": round(one.tokens / one.samples, 1),
                "seconds": [round(seconds, 2) for seconds in one.seconds],
            }
            for name, one in found.items()
        },
        "ratios": {
            f"{ours} / {other}": {
                "of_sums": round(found[ours].rate / found[other].rate, 2),
                "by_round": [
                    round(theirs / own, 2)
                    for own, theirs in zip(found[ours].seconds, found[other].seconds, strict=True)
                ],
            }
            for ours, other in RATIOS
            if ours in found and other in found
        },
    }


def _table(report: dict[str, Any]) -> Table:
    table = Table(
        title=f"{report['problems']} problems × {report['samples']} samples, "
        f"{report['threads']} thread(s), {report['rounds']} rounds"
    )
    for head in ("contender", "samples/s", "tokens a sample", "seconds, by round"):
        table.add_column(head, justify="left" if head == "contender" else "right")
    for name, one in report["contenders"].items():
        seconds = " ".join(f"{value:.1f}" for value in one["seconds"])
        rate, tokens = one["samples_per_second"], one["tokens_per_sample"]
        table.add_row(name, f"{rate:,.1f}", f"{tokens:.1f}", seconds)
    table.add_section()
    for name, ratio in report["ratios"].items():
        rounds = " ".join(f"{value:.2f}" for value in ratio["by_round"])
        table.add_row(name, f"{ratio['of_sums']:.2f}×", "", rounds)
    return table


if __name__ == "__main__":
    main()
