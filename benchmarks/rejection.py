"""Rejection sampling measured: accepted different answers per 1,000 tokens, adaptive beside fixed.

    python -m benchmarks.rejection --model MODEL_DIR --problems ROWS.parquet [--json FILE]

Both strategies are the stage's own (stages/sampling/rounds.py) with the filters and limits of
conf/stage/_sample.yaml, near duplicates included, and read the same samples: sample i of a problem
is the same text in both. For each number N of samples and each quota Q:

    fixed      draws N samples of every problem. Of each problem it has its accepted different
               answers up to Q, A in all, and has spent all tokens of all samples.
    adaptive   has a budget of N samples a problem on average, gives it out in rounds, and is
               stopped at the sample with which it has A accepted different answers (up to Q of
               each problem), the same number. It has spent the tokens of all samples up to there.

The gain is fixed's tokens over adaptive's. The same number of answers need not be answers to the
same problems: told are the problems with at least one, and what adaptive has when its budget ends.
Over --seeds seeds; the gain is that of the sums, with the smallest and the largest of a seed.

Not a test: it prints what is true. Where adaptive ends with fewer than A there is no gain.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.compose import compose
from stages.kinds.sample.config import SampleConfig
from stages.project import R1
from stages.rollout.fleet import Fleet
from stages.rows.schemas import Row, read_rows, stream_rows
from stages.sampling.collect import Collector, Job, fitting, make_jobs
from stages.sampling.ledger import Ledger
from stages.sampling.round_files import GROUP
from stages.sampling.rounds import ADAPTIVE, FIXED, Rounds
from stages.verifiers.pool import VerifierPool

GOAL = 2.0
#: (N, Q): the stage's own first, then others; the tiny profile's are 2:1 and 3:4.
SETTINGS = ("16:4", "16:2", "16:1", "8:4", "8:2", "8:1", "4:2", "4:1", "3:4", "2:1")


@dataclass(frozen=True)
class Spent:
    """What a strategy had and had spent at some sample. solved: problems with an answer."""

    answers: int
    tokens: int
    solved: int
    samples: int


@dataclass(frozen=True)
class Measured:
    """One setting under one seed. same: adaptive with fixed's answers, None if it never had them.

    end: adaptive with all its budget.
    """

    fixed: Spent
    same: Spent | None
    end: Spent


def main() -> None:
    """Measure all settings and print them."""
    options = _options()
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    settings = [tuple(map(int, text.split(":"))) for text in options.settings]
    config = _config(options)
    problems = read_rows(options.problems)
    random.Random(0).shuffle(problems)
    results: dict[str, list[Measured]] = {text: [] for text in options.settings}
    with (
        tempfile.TemporaryDirectory() as folder,
        Fleet.open(options.model, config.rollout, options.threads) as fleet,
        VerifierPool.of(config.verifiers) as pool,
    ):
        jobs = make_jobs(problems[: options.limit], fleet.tokenizer, None, 1)
        jobs = fitting(jobs, options.model, options.max_tokens, "--max-tokens")
        for seed in range(options.seeds):
            for text, (n, quota) in zip(options.settings, settings, strict=True):
                asked = replace(config, samples_per_problem=n, max_kept_per_problem=quota)
                collector = _collector(fleet, pool, Path(folder) / "ledger", asked, seed)
                results[text].append(_measure(asked, jobs, collector, Path(folder)))
                print(f"seed {seed}, {text}: {results[text][-1]}", flush=True)
    facts = [_facts(text, found) for text, found in results.items()]
    Console(width=160).print(_table(facts, len(jobs), options.seeds))
    if options.json:
        report = {"model": str(options.model), "problems": len(jobs), "settings": facts}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--problems", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=500, help="problems, at random")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--settings", nargs="+", default=SETTINGS, help="N:Q")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _config(options: argparse.Namespace) -> SampleConfig:
    """The stage's filters and limits, for the readable answers that reasoning_data wants."""
    # Lenient, as it counts; the numbers of the budget are the paper's, whose stage file has them.
    lenient = "stages.reasoning_data.verifiers.policy=lenient"
    config: SampleConfig = compose(R1, ["profile=paper", "rollout=transformers", lenient]).stages[
        "reasoning_data"
    ]
    return replace(config, sampling=replace(config.sampling, max_tokens=options.max_tokens))


def _collector(
    fleet: Fleet, pool: VerifierPool, folder: Path, config: SampleConfig, seed: int
) -> Collector:
    ledger = Ledger(folder, config.rollout.engine, config.sampling)
    size = config.rollout.shard_samples
    return Collector(fleet, pool, ledger, "measured", config.sampling, seed, size)


def _measure(
    config: SampleConfig, jobs: Sequence[Job], collector: Collector, folder: Path
) -> Measured:
    quota = config.max_kept_per_problem
    *_, fixed = _walk(_drawn(config, FIXED, jobs, collector, folder), quota)
    same = end = None
    for end in _walk(_drawn(config, ADAPTIVE, jobs, collector, folder), quota):
        same = same or (end if end.answers >= fixed.answers else None)
    assert end is not None
    return Measured(fixed, same, end)


def _drawn(
    config: SampleConfig, strategy: str, jobs: Sequence[Job], collector: Collector, folder: Path
) -> Iterator[Row]:
    """The samples in the order in which they were drawn."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        rounds = Rounds(jobs, {}, replace(config, strategy=strategy), Path(work))
        rounds.draw(collector.sampling_as(config.sampling), lambda *_: None)
        for part in sorted(Path(work).glob("round-*.parquet")):
            yield from stream_rows(part, group=GROUP)


def _walk(samples: Iterator[Row], quota: int) -> Iterator[Spent]:
    """What there was after each sample."""
    have: dict[int, int] = {}
    answers = tokens = number = 0
    for number, sample in enumerate(samples, start=1):
        tokens += sample["tokens"]
        if sample["dropped_by"] is None:
            have[sample["job"]] = have.get(sample["job"], 0) + 1
            answers += have[sample["job"]] <= quota
        yield Spent(answers, tokens, len(have), number)


def _facts(text: str, found: Sequence[Measured]) -> dict[str, Any]:
    """Sums over the seeds."""
    same = [one.same for one in found if one.same is not None]
    whole = len(same) == len(found)
    gains = [one.fixed.tokens / one.same.tokens for one in found if one.same is not None]
    fixed = {name: sum(getattr(one.fixed, name) for one in found) for name in vars(found[0].fixed)}
    adaptive = {name: sum(getattr(one, name) for one in same) for name in vars(found[0].fixed)}
    end = {name: sum(getattr(one.end, name) for one in found) for name in vars(found[0].fixed)}
    return {
        "setting": text,
        "fixed": fixed,
        "adaptive": adaptive if whole else None,
        "end": end,
        "fixed_per_1000": 1000 * fixed["answers"] / fixed["tokens"],
        "adaptive_per_1000": 1000 * adaptive["answers"] / adaptive["tokens"] if whole else None,
        "gain": fixed["tokens"] / adaptive["tokens"] if whole else None,
        "gains": gains,
    }


def _table(facts: Sequence[dict[str, Any]], problems: int, seeds: int) -> Table:
    table = Table(
        title=f"{problems} problems, {seeds} seeds: accepted different answers per 1,000 tokens"
    )
    columns = ["N:Q", "answers", "fixed", "adaptive", "gain", "by seed", f">= {GOAL:g}x"]
    columns += ["solved, fixed", "solved, adaptive", "at its budget's end: answers", "tokens"]
    for name in columns:
        table.add_column(name, justify="right")
    for row in facts:
        fixed, same, end = row["fixed"], row["adaptive"], row["end"]
        reached = ["not reached", "-", "-", "no"]
        if same is not None:
            spread = f"{min(row['gains']):.2f}-{max(row['gains']):.2f}"
            goal = "yes" if row["gain"] >= GOAL else "no"
            reached = [f"{row['adaptive_per_1000']:.2f}", f"{row['gain']:.2f}x", spread, goal]
        table.add_row(
            row["setting"],
            f"{fixed['answers']}",
            f"{row['fixed_per_1000']:.2f}",
            *reached,
            f"{fixed['solved']}",
            f"{same['solved']}" if same is not None else "-",
            f"{end['answers'] / fixed['answers']:.2f}x",
            f"{end['tokens'] / fixed['tokens']:.2f}x",
        )
    return table


if __name__ == "__main__":
    main()
