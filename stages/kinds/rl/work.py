"""What reinforcement learning takes: rollouts, their scores, the passes that learn from them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.kinds import Stage
from stages.costs import shapes
from stages.costs.memory import shares_weights, trained_parameters
from stages.costs.models import (
    CHUNK_LOGITS,
    draw,
    engine,
    learning,
    published_bytes,
    reading,
    trained,
    written,
)
from stages.costs.shapes import Shape
from stages.costs.work import (
    BACKWARD,
    FORWARD,
    REWARD,
    ROLLOUT,
    TRAIN,
    VALIDATION,
    Engine,
    Handled,
    Known,
    Task,
    Trained,
    Work,
)
from stages.kinds.rl.config import RLConfig
from stages.rewards.schedule import PREFERENCE_TERMS, steps_of
from stages.rl.schedule import length_limits

#: What a reward model reads → the term that it serves.
PREFERENCE_OF = {reads: term for term, reads in PREFERENCE_TERMS.items()}
VALUE = "value"  # the advantage of PPO, which has a critic
PASS_TOKENS = 32768  # of a pass of a reward model (stages/rewards/preference.py)


def work(stage: Stage, known: Known) -> Work:
    """Rollouts by the length limit of their steps; the passes over all that they drew."""
    config: RLConfig = stage.config
    model = shapes.of_stage(stage)
    if model is None:
        return Work(unknown=(stage.name,))
    run = _Run.of(stage, config, model, known)
    scorers = [(one, shapes.of_stage(one)) for one in stage.inputs["score_with"]]
    shaped = [(one, shape) for one, shape in scorers if shape is not None]
    held = run.held(tuple((shape, published_bytes(one, shape)) for one, shape in shaped))
    tasks = [*run.rollouts(), *run.validation(), *run.passes(held)]
    tasks += [run.scores(one, shape) for one, shape in shaped]
    unknown = tuple(one.name for one, shape in scorers if shape is None)
    return Work(
        tasks=(*tasks, Handled(run.drawn, REWARD)),
        trained=held,
        counted=run.counted * run.steps,
        unknown=unknown,
        overlaps=bool(config.rollout_ahead),
        disk=written(stage, model, trained_parameters(held)),
    )


@dataclass(frozen=True)
class _Run:
    """steps: that are made. per_step: completions that one trains on. spans: steps by length limit.

    more: what is drawn for each completion that is trained on (dynamic sampling).
    """

    stage: Stage
    config: RLConfig
    model: Shape
    known: Known
    steps: float
    per_step: int
    spans: tuple[tuple[float, int], ...]
    more: float

    @classmethod
    def of(cls, stage: Stage, config: RLConfig, model: Shape, known: Known) -> _Run:
        per_step = config.questions_per_step * config.samples_per_question
        more = 1.0 + min(config.dynamic_sampling.budget, known.assumed.silent)
        spans = tuple(_spans(config, config.max_steps))
        run = cls(stage, config, model, known, config.max_steps, per_step, spans, more)
        budget = [known.work(other).counted for other in stage.inputs["compute_as"]]
        if not budget or not budget[0]:
            return run
        steps = min(float(config.max_steps), math.ceil(budget[0] / run.counted))
        return cls(stage, config, model, known, steps, per_step, tuple(_spans(config, steps)), more)

    @property
    def mean(self) -> float:
        """Mean tokens of a completion, over the steps."""
        weighed = sum(steps * self.length(limit) for steps, limit in self.spans)
        return weighed / sum(steps for steps, _ in self.spans)

    def length(self, limit: int) -> float:
        return self.known.length(self.stage, limit)

    @property
    def counted(self) -> float:
        """FLOPs of a step as compute.py counts them."""
        reads = FORWARD if self.config.kl_coefficient else 0.0
        tokens = self.per_step * (self.mean + self.known.prompt)
        return tokens * (2 * FORWARD + BACKWARD + reads) * self.model.active

    @property
    def drawn(self) -> float:
        return self.steps * self.per_step * self.more

    def rollouts(self) -> Iterator[Task]:
        config = self.config
        own = self._engine()
        for steps, limit in self.spans:
            drawn = steps * self.per_step * self.more
            yield draw(
                ROLLOUT,
                self.model,
                own,
                self.known,
                completions=drawn,
                prompts=drawn / config.samples_per_question,
                mean=self.length(limit),
                limit=limit,
                rounds=steps / config.steps_per_rollout,
            )

    def _engine(self) -> Engine:
        """Its window is that of the longest rows (stages/rl/policy_engine.py)."""
        own = engine(self.config.rollout, published_bytes(self.stage, self.model), beside=True)
        return replace(own, most_tokens=own.most_tokens or self.longest)

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return self.config.max_prompt_tokens + max(length_limits(self.config).values())

    def validation(self) -> Iterator[Task]:
        asked = self.config.validation
        problems = sum(self.known.rows(one) for one in self.stage.inputs["validate_on"])
        if not (asked.every and problems):
            return
        problems = min(problems, asked.limit) if asked.limit is not None else problems
        looks = len({*range(0, int(self.steps), asked.every), int(self.steps)})
        limit = self.config.sampling.max_tokens
        yield draw(
            VALIDATION,
            self.model,
            self._engine(),
            self.known,
            completions=looks * problems * asked.samples,
            prompts=looks * problems,
            mean=self.length(limit),
            limit=limit,
            rounds=looks,
        )

    def passes(self, held: Trained) -> Iterator[Task]:
        """Old log-probabilities, the reference, the critic, and what is learnt."""
        config, rows = self.config, self.steps * self.per_step
        length = self.mean + self.known.prompt
        if _shares_prompts(config):  # a prompt is run once for its group
            length = self.mean + self.known.prompt / config.samples_per_question
        calls = rows / config.micro_batch
        if _old_again(config):
            yield reading(TRAIN, self.model, rows * length, length, calls)
        if config.kl_coefficient:
            yield reading(TRAIN, self.model, rows * length, length, calls)
        elif config.kl_rows:
            seen = float(min(config.kl_rows, self.per_step * config.steps_per_rollout))
            seen *= self.steps / config.steps_per_rollout
            per_pass = min(config.micro_batch, config.kl_rows)
            yield reading(TRAIN, self.model, seen * length, length, seen / per_pass)
        signal = 1.0 if config.kl_coefficient else self._signal()
        more = {"checkpointing": config.precision.gradient_checkpointing}
        more |= {"adapters": config.lora is not None}
        for _ in range(2 if config.algorithm.advantage == VALUE else 1):  # a critic learns as much
            yield learning(
                self.model,
                tokens=rows * length * signal,
                length=length,
                calls=calls * signal,
                updates=self.steps,
                **more,
            )

    def _signal(self) -> float:
        """Rows that are run: those of groups whose rewards differ."""
        return 1.0 - max(0.0, self.known.assumed.silent - (self.more - 1.0))

    def scores(self, scorer: Stage, shape: Shape) -> Task:
        """What a reward model reads, from the step on at which its term acts."""
        term = self.config.rewards.get(PREFERENCE_OF[scorer.config.scores])
        begin = steps_of(term.start, self.config.max_steps) if term else None
        share = 0.0 if begin is None else max(0.0, 1.0 - begin / self.config.max_steps)
        length = self.mean + self.known.prompt
        tokens = self.steps * self.per_step * share * self.known.assumed.general * length
        weights = published_bytes(scorer, shape)
        return reading(REWARD, shape, tokens, length, tokens / PASS_TOKENS, weights)

    def held(self, others: tuple[tuple[Shape, int], ...]) -> Trained:
        config = self.config
        frozen = config.lora is None and bool(config.kl_coefficient or config.kl_rows)
        own = trained(
            config,
            self.model,
            self.longest,
            config.micro_batch,
            frozen=int(frozen),
            critic=config.algorithm.advantage == VALUE,
            others=others,
            logits=bool(config.kl_coefficient or config.kl_rows or _old_again(config)),
            logits_with_gradient=_shares_prompts(config),
            chunk_logits=CHUNK_LOGITS,
        )
        return replace(own, gathers=shares_weights(own))


def _shares_prompts(config: RLConfig) -> bool:
    return config.parallel.strategy == "ddp" and not config.precision.gradient_checkpointing


def _old_again(config: RLConfig) -> bool:
    """Whether the log-probabilities of sampling are computed again (stages/rl/rollout.py)."""
    vllm = config.rollout.engine == "vllm"
    return vllm or (config.steps_per_rollout > 1 and config.precision.bf16)


def _spans(config: RLConfig, steps: float) -> Iterator[tuple[float, int]]:
    """Steps by their length limit."""
    switches = sorted((switch.step, switch.max_tokens) for switch in config.length_switches)
    at = [(0, config.sampling.max_tokens), *switches]
    ends = [*(step for step, _ in at[1:]), math.inf]
    for (begin, limit), end in zip(at, ends, strict=True):
        if (count := min(end, steps) - begin) > 0:
            yield count, limit
