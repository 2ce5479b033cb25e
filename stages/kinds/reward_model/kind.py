"""Reward models for what no rule can judge, and whether they may be used.

The gate is asked when a stage that uses the result is about to run, with the config as it stands
then. What it reads of the config is outside the identity: a lowered gate lets the same weights
pass, and a raised one holds back what passed before, from stages that have not run yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from pipeline.kinds import Kind, Needs, Problem, Stage
from stages.rewards.schedule import PREFERENCE_TERMS
from stages.settings import parallel, training, values
from stages.settings.edges import any_of, one, some, takes
from stages.settings.health import Health
from stages.settings.numbers import Inputs, Numbers, epochs, rows_of
from stages.settings.parallel import Parallel
from stages.settings.stage import StageConfig, from_root, later, placement
from stages.settings.training import Optimizer, Precision

OBJECTIVES = {"pairwise": "preferences", "pointwise": "labels"}  # → the rows that teach it


@dataclass
class RewardModelConfig(StageConfig):
    """A scalar reward model. objective: `pairwise` (helpful) or `pointwise` (safety).

    min_accuracy, max_calibration_error, max_length_bias: the gate. A model that does not pass on
    its held-out rows is published, and no other stage may use it; moving the gate trains nothing
    again. null: not asked.

    tried_on: evaluations of a policy; min_own_accuracy and min_best_of_gain are of their samples
    (stages/reward_models/trial.py). Never of problems that a result is told of.
    """

    objective: str = MISSING
    tried_on: list[str] = later(list)
    scores: str = MISSING  # what it reads: `answer` (what follows the thought) or `response` (all)
    optimizer: Optimizer = field(default_factory=Optimizer)
    epochs: float = MISSING
    batch_size: int = MISSING
    max_length: int = MISSING
    heldout_fraction: float = 0.1
    min_accuracy: float = placement(0.0)
    max_calibration_error: float | None = placement(None)
    max_length_bias: float | None = placement(None)  # of the correlation, without its sign
    min_own_accuracy: float | None = placement(None)
    min_best_of_gain: float | None = placement(None)  # may be below 0
    precision: Precision = field(default_factory=Precision)
    parallel: Parallel = from_root("parallel", Parallel, identity=False)
    micro_batch: int = placement(32)
    save_steps: int = placement(50)
    health: Health = field(default_factory=Health, metadata={"identity": False})


def check(stage: Stage) -> Iterator[Problem]:
    """A reward model: the same, and how it is measured."""
    yield from training.supervised(stage, "a score is read at its last token, which one part has")
    rows = {source.name: source.kind.produces for source in stage.inputs["data_from"]}
    yield from rules(stage.config, rows)


def rules(config: RewardModelConfig, rows: Mapping[str, str]) -> Iterator[Problem]:
    """A reward model: what it learns from and reads, and that it is measured before it is used.

    rows: what the stages on data_from hold.
    """
    yield from values.one_of("objective", config.objective, OBJECTIVES)
    yield from values.one_of("scores", config.scores, [*PREFERENCE_TERMS.values()])
    wanted = OBJECTIVES.get(config.objective)
    if wrong := {name: kind for name, kind in rows.items() if wanted and kind != wanted}:
        name, kind = next(iter(wrong.items()))
        yield Problem(
            "data_from",
            f"{name} holds {kind}, but objective={config.objective} learns from {wanted}: name "
            "such a stage, or set the other objective",
        )
    share = config.heldout_fraction
    if not 0 < share < 1:
        yield Problem(
            "heldout_fraction",
            f"is {share:g}: some rows must be held out, and some trained on; set it to e.g. 0.1",
        )


def numbers(stage: Stage, inputs: Inputs) -> Numbers:
    """Batches of reward model training; held-out rows are not trained on."""
    config: RewardModelConfig = stage.config
    rows = rows_of(inputs, "preferences", "labels")
    return epochs(config, rows, 1.0 - config.heldout_fraction)


def needs(stage: Stage) -> Needs:
    """A gang; each process has the same share of a batch."""
    config: RewardModelConfig = stage.config
    return parallel.processes(config.parallel, config.batch_size)


def gate(stage: Stage, facts: Mapping[str, Any]) -> Iterator[Problem]:
    """RL against a model that cannot tell good from bad only teaches to please it.

    What could not be measured passes: lengths that are all equal have no bias.
    """
    config: RewardModelConfig = stage.config
    rows = f"on {facts['n']} held-out rows"
    if facts["accuracy"] < config.min_accuracy:
        yield Problem(
            "min_accuracy",
            f"is {config.min_accuracy:g}, and its accuracy is {facts['accuracy']:.3f} {rows}; give "
            "it more rows or epochs, a better init_from, or lower the gate knowingly",
        )
    limit, found = config.max_calibration_error, facts["calibration"]
    if limit is not None and found > limit:
        yield Problem(
            "max_calibration_error",
            f"is {limit:g}, and its expected calibration error is {found:.3f} {rows}",
        )
    limit, bias = config.max_length_bias, facts["length_bias"]
    if limit is not None and bias is not None and abs(bias) > limit:
        yield Problem(
            "max_length_bias",
            f"is {limit:g}, and its score goes with the length by a correlation of {bias:+.3f} "
            f"{rows}",
        )
    yield from _on_own_samples(config, facts)


#: Fact of the trial on a policy's samples → its gate, how it is told, of how many problems.
TRIED = {
    "own_accuracy": ("min_own_accuracy", "it puts a right sample of the policy above a wrong one "
    "to the same problem in a share of {:.3f}", "own_mixed"),
    "best_of_gain": ("min_best_of_gain", "the policy's sample that it likes best is more often "
    "right than a random one by {:+.3f}", "own_problems"),
}  # fmt: skip


def _on_own_samples(config: RewardModelConfig, facts: Mapping[str, Any]) -> Iterator[Problem]:
    """It is chosen by what it likes best of what the policy says, and by nothing else."""
    for fact, (key, told, problems) in TRIED.items():
        limit, found = getattr(config, key), facts.get(fact)
        if limit is not None and found is not None and found < limit:
            yield Problem(
                key,
                f"is {limit:g}, and {told.format(found)} ({facts[problems]} problems of "
                f"{', '.join(config.tried_on)}): RL would teach what it errs in. Give it pairs of "
                "what the policy says, more rows or epochs, or lower the gate knowingly",
            )


KINDS = (
    Kind(
        "reward_model",
        3,
        RewardModelConfig,
        "reward_model",
        "stages.kinds.reward_model.run:run",
        edges={
            "init_from": takes(one("model")),
            "data_from": takes(some("preferences", "labels")),
            "tried_on": takes(any_of("evaluation")),
        },
        numbers=numbers,
        needs=needs,
        check=check,
        gate=gate,
        work="stages.kinds.reward_model.work:work",
    ),
)
