"""What the kinds of stage need of a machine: processes and GPUs. No torch here.

A stage in training has one GPU per process of its gang. One that samples has a fleet of engines,
each on `tensor_parallel_size` GPUs, in one process. The launcher shares the GPUs out accordingly.
"""

from __future__ import annotations

from pipeline.kinds import Needs
from stages.configs import (
    EvaluateConfig,
    GeneralConfig,
    OnPolicyDistillConfig,
    Parallel,
    PreferencesConfig,
    PretrainConfig,
    RewardModelConfig,
    RLConfig,
    Rollout,
    SampleConfig,
    SFTConfig,
)


def rl(config: RLConfig) -> Needs:
    """A gang; each process has whole groups."""
    return _gang(config.parallel, config.questions_per_step)


def supervised(config: SFTConfig | RewardModelConfig) -> Needs:
    """A gang; each process has the same share of a batch."""
    return _gang(config.parallel, config.batch_size)


def on_policy_distill(config: OnPolicyDistillConfig) -> Needs:
    """A gang; each process has the same share of the prompts of a step."""
    return _gang(config.parallel, config.prompts_per_step)


def pretrain(config: PretrainConfig) -> Needs:
    """The tiny base: one process."""
    return Needs(processes=1, devices=1)


def sampling(config: SampleConfig | EvaluateConfig | GeneralConfig) -> Needs:
    """A fleet of engines."""
    return _fleet(config.rollout)


def judged(config: PreferencesConfig) -> Needs:
    """A fleet where a model answers or judges, else nothing."""
    return _fleet(config.rollout) if config.judge_with or config.data_from else Needs()


def _gang(parallel: Parallel, batch: int) -> Needs:
    return Needs(parallel.processes, devices=parallel.processes, divides=batch)


def _fleet(rollout: Rollout) -> Needs:
    if rollout.engine == "server":
        return Needs()
    each = rollout.tensor_parallel_size
    return Needs(processes=1, devices=rollout.replicas * each or None, each=each)
