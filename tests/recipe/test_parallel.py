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
    recipe = () if words[0].startswith("recipe=") else ("recipe=r1_zero",)
    composed = compose(R1, [*recipe, *words])
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


# key → what is said of a sequence that is cut over processes
NOT_CUT = {
    "stages.zero.parallel.context=2": "zero.parallel.context: is 2, and RL builds its rows after",
    "stages.safety_rm.parallel.context=2": "is 2, and a score is read at its last token",
    "stages.dev1.parallel.context=2": "and parallel.strategy is ddp: accelerate cuts sequences",
    "stages.student_llama.parallel.context=0": "student_llama.parallel.context: is 0: set it to 1",
    "stages.dev3.parallel.context=2": "dev3.parallel.processes: is null, and parallel.context is 2",
    "stages.student_qwen.parallel={context: 2, processes: 4}": "student_qwen.row_tokens: is 512",
}
MORE = ("dev3", "student_qwen")


def test_sequences_are_cut_where_accelerate_can_cut_them() -> None:
    words = [f"+parallel@stages.{name}.parallel=fsdp2" for name in MORE]
    words += ["stages.student_qwen.row_tokens=512"]
    with pytest.raises(UsageError) as raised:
        graph("recipe=r1", *words, *NOT_CUT)
    assert [text for text in NOT_CUT.values() if text not in str(raised.value)] == []


def test_processes_that_share_a_sequence_share_its_place_in_a_batch() -> None:
    gang = "stages.student_qwen.parallel={context: 2, processes: 4}"
    words = ("recipe=r1", "+parallel@stages.student_qwen.parallel=fsdp2", gang)
    node = graph(*words, "stages.student_qwen.row_tokens=null").stages["student_qwen"]
    assert needs_of(node) == Needs(processes=4, devices=4, divides=2 * node.config.batch_size)
