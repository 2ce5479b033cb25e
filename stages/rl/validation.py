"""Held-out evaluation while RL trains: accuracy over training steps, as in the paper's figure 1a.

Before the first step, every `validation.every` steps and after the last, the policy answers the
problems of `validate_on`, judged as evaluations judge. What comes out stands in the curves of that
step as validation/<metric>:

accuracy        pass@1, the mean over the samples of a problem
cons_at_k       the majority of all samples, where answers can be voted on
accuracy/<level>    by level, where problems have one (C.1, of MATH)
format, length, thinking_length, truncation, language_consistency, mixed_language,
checking_words, cannot_judge       as of an evaluation (stages/scoring/measures.py)

Nothing learns from it, so with or without it the weights are the same, bit for bit on one CPU
thread: draws have seeds of their own, made of the problem and the stage's seed. A problem keeps its
seeds from step to step, so a curve moves less by chance.

A look comes before the checkpoint of its step, and its numbers are lines of metrics.jsonl like all
others: what a resumed stage goes on from is neither measured twice nor lost.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from accelerate.utils import gather_object
from transformers import PreTrainedTokenizerBase, TrainerCallback

from pipeline import meter
from pipeline.artifact import Inputs, of_type
from pipeline.context import Context
from pipeline.errors import RecipeError
from stages.rl.metrics import VALIDATION
from stages.rl.prompts import Prompt, prepare_prompts
from stages.rl.schedule import max_tokens_at
from stages.rl.trainer import RecipeGRPOTrainer
from stages.rollout.engine import Completion, GenerationRequest, collected
from stages.rows.schemas import Row
from stages.sampling.collect import Job, gather, judge, sample_row
from stages.sampling.elections import require_reference
from stages.scoring.estimators import mean
from stages.scoring.examiner import Examiner
from stages.scoring.forcing import Tags
from stages.scoring.measures import PER_SAMPLE, Asked, by_level
from stages.settings.generation import Sampling
from stages.training import parallel
from stages.verifiers.pool import VerifierPool

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig

ACCURACY, CONSENSUS = f"{VALIDATION}accuracy", f"{VALIDATION}cons_at_k"
#: A problem's column → what its mean over problems is called.
CURVES = {"pass_at_1": ACCURACY, "cons": CONSENSUS} | {n: VALIDATION + n for n in PER_SAMPLE}
UNIT = "validation sample"
UNFIT = re.compile(r"[^A-Za-z0-9_]")  # for a curve's name


@dataclass(frozen=True)
class HeldOut:
    """What is asked: a job for each problem. stages: where they are from. too_long: left out."""

    stages: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    too_long: int = 0


def held_out(
    config: RLConfig,
    inputs: Inputs,
    tokenizer: PreTrainedTokenizerBase,
    trained: Sequence[Prompt],
    stage: str,
) -> HeldOut:
    """The problems of `validate_on`, asked as in training; none where validation is off."""
    sources = of_type(inputs, "validate_on", "problems") if config.validation.every else []
    if not sources:
        return HeldOut()
    key = f"stages.{stage}.validate_on"
    rows = gather(sources, config.validation.limit)
    require_reference(rows, key)
    prompts, funnel = prepare_prompts(rows, tokenizer, config)
    asked = {prompt.text for prompt in trained}
    if seen := [prompt for prompt in prompts if prompt.text in asked]:
        raise RecipeError(
            f"{key}: {len(seen)} of {len(rows)} problems are trained on, e.g. {seen[0].row['id']}, "
            "so nothing would be held out. Name these stages on `apart_from` of the stage that "
            "cleans data_from"
        )
    jobs = [Job(prompt.row, prompt.token_ids, config.validation.samples) for prompt in prompts]
    return HeldOut([source.stage for source in sources], jobs, funnel["too_long"])


class Validator(TrainerCallback):
    """Asks the policy, when it is time; each process of a gang asks its share of the problems.

    Comes after all callbacks that may end the training, so that it sees which step is the last.
    """

    def __init__(
        self, jobs: Sequence[Job], pool: VerifierPool, trainer: RecipeGRPOTrainer, context: Context
    ) -> None:
        self.jobs = jobs
        self.pool = pool
        self.trainer = trainer
        self.context = context
        self.config = trainer.config
        self.engine = trainer.policy_engine  # an algorithm may sample from another model

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.jobs and state.global_step == 0:
            found, seconds = self._look(0)
            self.context.log(0, found)
            self.trainer.note({}, seconds)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        step, every = state.global_step, self.config.validation.every
        if self.jobs and (step % every == 0 or control.should_training_stop):
            found, seconds = self._look(step)
            self.trainer.note(found if self.context.rank == 0 else {}, seconds)

    def _look(self, step: int) -> tuple[dict[str, float], float]:
        """The curves of the policy as it is, and the seconds that it took."""
        started = time.perf_counter()
        asked = self.jobs[self.context.rank :: self.context.processes]
        with meter.phase("validation", whole=True):
            with parallel.whole_weights(self.trainer.model):
                answers = self._answers(asked, self._sampling(step))
            found = self._problems(asked, answers)
        if self.context.processes > 1:
            found = gather_object(found)
        self.context.progress(step, self.config.max_steps)
        return _curves(found), time.perf_counter() - started

    def _sampling(self, step: int) -> Sampling:
        settings = self.config.validation
        longest = max_tokens_at(self.config, step)
        return Sampling(settings.temperature, settings.top_p, max_tokens=longest)

    def _answers(self, jobs: Sequence[Job], sampling: Sampling) -> list[list[Completion]]:
        requests = [self._request(job) for job in jobs]
        total = sum(request.n for request in requests)

        def on_progress(done: int) -> None:
            if done < total:  # what is shown next is the training again
                self.context.progress(done, total, UNIT)

        on_progress(0)
        self.trainer.ahead.waited()
        self.engine.refresh(self.trainer.state.global_step)
        answers = collected(self.engine.answer(requests, sampling), len(requests), on_progress)
        self.engine.rest()
        return answers

    def _request(self, job: Job) -> GenerationRequest:
        (_, seed), *_ = job.names(self.config.seed)
        return GenerationRequest(job.prompt_ids, job.n, seed, logprobs=False)

    def _problems(self, jobs: Sequence[Job], answers: Sequence[Sequence[Completion]]) -> list[Row]:
        """What an evaluation says of each problem."""
        samples = [
            [sample_row(job, one, one.seed, "", self.pool.policy) for one in completions]
            for job, completions in zip(jobs, answers, strict=True)
        ]
        judge([row for rows in samples for row in rows], self.pool)
        tags = Tags.of(self.trainer.processing_class)
        asked = Asked((1,), self.config.validation.samples)
        words, batch = self.config.checking_words, self.config.rollout.shard_samples
        examiner = Examiner(self.pool, tags, asked, {}, words, batch)
        return [row for row, _ in examiner.examine(zip(jobs, samples, strict=True))]


def _curves(problems: Sequence[Row]) -> dict[str, float]:
    """The means over problems, summed in one order whoever asked which."""
    ordered = sorted(problems, key=lambda row: str(row["id"]))
    means = {curve: mean([row.get(name) for row in ordered]) for name, curve in CURVES.items()}
    for level, rows in by_level(ordered).items():
        means[f"{ACCURACY}/{UNFIT.sub('_', level)}"] = mean([row["pass_at_1"] for row in rows])
    return {curve: value for curve, value in means.items() if value is not None}


def facts(
    held_out: HeldOut, config: RLConfig, points: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """For the manifest: what was asked, and the first, the best and the last look; {} if off."""
    looks = [point for point in points if ACCURACY in point]
    if not (held_out.jobs and looks):
        return {}
    best = max(looks, key=lambda point: point[ACCURACY])  # of equal ones the earliest
    told = {"first": looks[0], "best": best, "last": looks[-1]}
    return {
        "validation": {
            "stages": held_out.stages,
            "problems": len(held_out.jobs),
            "prompts_too_long": held_out.too_long,
            "samples_per_problem": config.validation.samples,
            "looks": len(looks),
            **{name: _look_facts(point) for name, point in told.items()},
        }
    }


def _look_facts(point: Mapping[str, float]) -> dict[str, float]:
    named = {"step": "step", "accuracy": ACCURACY, "cons_at_k": CONSENSUS}
    return {name: point[curve] for name, curve in named.items() if curve in point}
