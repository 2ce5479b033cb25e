"""parallel=: what the shipped groups come to, and what they cannot do."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline import checks
from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.graph import build
from pipeline.kinds import Needs
from pipeline.limits import needs_of
from stages.project import R1


def graph(*words: str) -> Any:
    composed = compose(R1, ["recipe=r1_zero", *words])
    found = build(composed.stages, R1.kinds(), composed.root)
    checks.refuse(checks.problems(found))
    return found


def test_a_gang_wants_a_gpu_per_process_and_a_fleet_whole_engines() -> None:
    nodes = graph("parallel=ddp", "rollout=vllm", "rollout.tensor_parallel_size=2").stages
    assert needs_of(nodes["zero"]) == Needs(processes=None, devices=None, divides=32)
    assert needs_of(nodes["eval_zero"]) == Needs(processes=1, devices=None, each=2)
    assert needs_of(nodes["reasoning_clean"]) == Needs(processes=1, devices=0)
    four = graph("parallel=fsdp2", "stages.zero.parallel.processes=4").stages["zero"]
    assert needs_of(four) == Needs(processes=4, devices=4, divides=32)
    assert four.config.parallel.fsdp["fsdp_version"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("parallel=zero3",), "is 3, which has no whole weights to generate from"),
        (("parallel=fsdp2", "algorithm=ppo"), "the second model of algorithm=ppo is not sharded"),
        (("stages.zero.parallel.strategy=fsdp",), "choose a group that fills it, e.g. parallel="),
        (
            ("stages.zero.parallel.processes=4", "rollout=vllm", "rollout.tensor_parallel_size=3"),
            "rollout.tensor_parallel_size: is 3, and the engine lives in the gang of",
        ),
    ],
)
def test_what_a_gang_cannot_do_is_refused_with_a_value_that_works(
    words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        graph(*words)
