"""Ask a model for samples of many problems and judge every answer, shard by shard.

Only what the ledger (ledger.py) lacks is drawn, and each shard of completions is kept there as
soon as it is whole: after a kill, or when another stage asks the same model, the samples that are
there are read back and only the others are drawn. Memory holds a few shards at a time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import meter
from pipeline.artifact import Artifact
from pipeline.context import Context
from pipeline.errors import UsageError
from stages.chat.encoding import token_ids
from stages.chat.template import render_prompt
from stages.models.window import read_window
from stages.rollout.engine import Completion, GenerationRequest
from stages.rollout.fleet import Fleet
from stages.rows.schemas import PROBLEM, Row, read_rows
from stages.sampling.ledger import MOST_SAMPLES, Drawn, Ledger, Name, key_of, seed_of
from stages.settings.generation import Sampling
from stages.verifiers.answer import Policy, parse
from stages.verifiers.grade import counted
from stages.verifiers.pool import VerifierPool
from stages.verifiers.verdict import request_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from stages.kinds.evaluate.config import EvaluateConfig
    from stages.kinds.sample.config import SampleConfig

#: Called with the samples that are there, the samples in all, and the tokens drawn for them.
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Job:
    """Samples first … first + n − 1 of one problem; completions go on after `prefix_ids`."""

    problem: Row
    prompt_ids: list[int]
    n: int
    first: int = 0
    prefix_ids: tuple[int, ...] = ()

    def names(self, stage_seed: int) -> list[Name]:
        """What the ledger calls each of the n samples."""
        key = key_of(self.prompt_ids, self.prefix_ids)
        start = seed_of(stage_seed, key, self.first)
        return [(key, seed) for seed in range(start, start + self.n)]


@dataclass(frozen=True)
class _Shard:
    """Jobs that are drawn together: the names of their samples, and those that the ledger has."""

    jobs: list[Job]
    names: list[list[Name]]
    found: dict[Name, Drawn]
    requests: list[GenerationRequest]

    @classmethod
    def of(cls, jobs: list[Job], ledger: Ledger, seed: int) -> _Shard:
        names = [job.names(seed) for job in jobs]
        found = ledger.read(ledger.find(chain.from_iterable(names)))
        requests = [
            GenerationRequest(job.prompt_ids, len(run), run[0], list(job.prefix_ids), False)
            for job, wanted in zip(jobs, names, strict=True)
            for run in _runs([seed for key, seed in wanted if (key, seed) not in found])
        ]
        return cls(jobs, names, found, requests)

    def drawn(self, answers: Sequence[Sequence[Completion]]) -> dict[Name, Drawn]:
        """New completions by name, from the engine's answers to `requests`."""
        return {
            (key_of(request.prompt_ids, request.prefix_ids), completion.seed): Drawn(
                completion.token_ids, completion.text, completion.finish_reason
            )
            for request, completions in zip(self.requests, answers, strict=True)
            for completion in completions
        }


@dataclass(frozen=True)
class Collector:
    """Who answers and who judges: engines on a model, its ledger, and the pool of verifiers.

    model: the fingerprint that stands in every row. seed: the stage's. shard_samples: how many
    samples are drawn, and lost by a kill, together.
    """

    engine: Fleet
    pool: VerifierPool
    ledger: Ledger
    model: str
    sampling: Sampling
    seed: int
    shard_samples: int

    @classmethod
    def of(
        cls,
        engine: Fleet,
        pool: VerifierPool,
        model: Artifact,
        config: SampleConfig | EvaluateConfig,
        context: Context,
    ) -> Collector:
        """A stage's collector on a published model."""
        rollout, sampling = config.rollout, config.sampling
        engine_name = f"{rollout.engine} {rollout.dtype}"
        ledger = Ledger(context.beside(model.fingerprint), engine_name, sampling)
        size = rollout.shard_samples
        return cls(engine, pool, ledger, model.fingerprint, sampling, context.seed, size)

    def sampling_as(self, sampling: Sampling) -> Collector:
        """The same, drawing in another way."""
        return replace(self, sampling=sampling, ledger=self.ledger.sampling_as(sampling))

    def rows(self, jobs: Sequence[Job], progress: Progress) -> Iterator[list[Row]]:
        """The n judged samples of each job, in order: columns of SAMPLE, and token_ids."""
        total, done, new_ones, tokens = sum(job.n for job in jobs), 0, 0, 0
        pending: deque[_Shard] = deque()

        def on_progress(finished: int) -> None:
            progress(done + finished - new_ones, total, tokens)

        shards = self._shards(jobs, pending)
        for answers in self.engine.stream(shards, self.sampling, on_progress):
            shard = pending.popleft()
            new = shard.drawn(answers)
            self.ledger.append(new)
            new_ones += len(new)
            tokens += sum(len(completion.token_ids) for completion in new.values())
            done += sum(job.n for job in shard.jobs)
            progress(done, total, tokens)
            yield from self._judged(shard, shard.found | new)

    def _shards(
        self, jobs: Sequence[Job], pending: deque[_Shard]
    ) -> Iterator[list[GenerationRequest]]:
        """The requests of each shard, which waits in `pending` for their answers."""
        for group in grouped(jobs, self.shard_samples):
            pending.append(_Shard.of(group, self.ledger, self.seed))
            yield pending[-1].requests

    def _judged(self, shard: _Shard, found: dict[Name, Drawn]) -> Iterator[list[Row]]:
        rows = [
            [self._row(job, found[name], name[1]) for name in names]
            for job, names in zip(shard.jobs, shard.names, strict=True)
        ]
        judge(list(chain.from_iterable(rows)), self.pool)
        yield from rows

    def _row(self, job: Job, completion: Drawn, seed: int) -> Row:
        return sample_row(job, completion, seed, self.model, self.pool.policy)


def sample_row(
    job: Job, completion: Drawn | Completion, seed: int, model: str, policy: Policy
) -> Row:
    """A completion as a row of SAMPLE, and its token_ids; `judge` adds the verdict."""
    token_ids = [*job.prefix_ids, *completion.token_ids]
    parsed = parse(completion.text, policy)
    return {
        **{name: job.problem[name] for name in PROBLEM.names},
        "completion": completion.text,
        "reasoning": parsed.reasoning,
        "answer": counted(job.problem["verifier"], parsed),
        "tokens": len(token_ids),
        "finish_reason": completion.finish_reason,
        "seed": seed,
        "model": model,
        "token_ids": token_ids,
    }


def judge(rows: Sequence[Row], pool: VerifierPool) -> None:
    """Give each sample its verdict: score and reason."""
    with meter.phase("reward"):
        verdicts = pool.verify([request_of(row) for row in rows])
    for row, verdict in zip(rows, verdicts, strict=True):
        row |= {"score": verdict.score, "reason": verdict.reason}
        if row["answer"] is None and verdict.score == 1.0:  # spelt in several ways
            parsed = parse(row["completion"], pool.policy)
            row["answer"] = counted(row["verifier"], parsed, right=True)


def shown_on(context: Context) -> Progress:
    """Progress in samples and tokens on the stage's live view."""
    return lambda done, total, tokens: context.progress(done, total, "sample", {"token": tokens})


def gather(problems: Sequence[Artifact], limit: int | None) -> list[Row]:
    """All problems, or `limit` of them taken in turn from each domain and language."""
    return in_turn([row for one in problems for row in read_rows(one.rows_path)], limit)


def in_turn(rows: list[Row], limit: int | None) -> list[Row]:
    """All rows, or `limit` of them taken in turn from each domain and language."""
    if limit is None or limit >= len(rows):
        return rows
    cells: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cells.setdefault((row["domain"], row["language"]), []).append(row)
    mixed = chain.from_iterable(zip_longest(*cells.values()))
    return [row for row in mixed if row is not None][:limit]


def make_jobs(
    problems: Sequence[Row],
    tokenizer: PreTrainedTokenizerBase,
    system_prompt: str | None,
    n: int,
) -> list[Job]:
    """One job per problem, for its first n samples; no two problems share one.

    A prompt that stands there again is asked for other samples than the first time.
    """
    texts = [render_prompt(tokenizer, row["prompt"], system_prompt) for row in problems]
    ids = token_ids(tokenizer, texts)
    seen: Counter[str] = Counter()
    jobs = []
    for row, text, prompt_ids in zip(problems, texts, ids, strict=True):
        jobs.append(Job(row, prompt_ids, n, seen[text] * MOST_SAMPLES))
        seen[text] += 1
    return jobs


def positions(model: Path) -> int | None:
    """How many tokens, prompt included, the model can see; None when it does not say."""
    return read_window(model / "config.json")


def fitting(jobs: Sequence[Job], model: Path, completion_tokens: int, key: str) -> list[Job]:
    """The jobs whose prompt leaves room for a completion; none is cut short in silence."""
    seen = positions(model)
    if seen is None:
        return list(jobs)
    if seen <= completion_tokens:
        raise UsageError(
            f"{key}: {completion_tokens} tokens of completion leave no room for a prompt: the "
            f"model sees {seen} tokens in all (max_position_embeddings). Lower the maximum."
        )
    return [job for job in jobs if len(job.prompt_ids) + completion_tokens <= seen]


def grouped(jobs: Sequence[Job], samples: int) -> Iterator[list[Job]]:
    """Runs of jobs with about this many samples in each; a job is never split."""
    group: list[Job] = []
    held = 0
    for job in jobs:
        if group and held + job.n > samples:
            yield group
            group, held = [], 0
        group.append(job)
        held += job.n
    if group:
        yield group


def _runs(seeds: Sequence[int]) -> Iterator[list[int]]:
    """Consecutive seeds: an engine gives sample i of a request the seed `request.seed + i`."""
    run: list[int] = []
    for seed in seeds:
        if run and seed != run[-1] + 1:
            yield run
            run = []
        run.append(seed)
    if run:
        yield run
