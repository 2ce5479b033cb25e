"""Whether a finished result may be used by other stages. No torch here.

A gate is asked when a stage that uses the result is about to run, with the config as it stands
then. What it reads of the config is outside the identity: a lowered gate lets the same weights
pass, and a raised one holds back what passed before, from stages that have not run yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.kinds import Problem
from stages.configs import RewardModelConfig


def reward_model(config: RewardModelConfig, facts: Mapping[str, Any]) -> Iterator[Problem]:
    """RL against a model that cannot tell good from bad only teaches to please it.

    What could not be measured passes: lengths that are all equal have no bias.
    """
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
