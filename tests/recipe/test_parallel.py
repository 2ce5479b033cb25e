"""parallel=: what the shipped groups come to, and what they cannot do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline import checks
from pipeline.attempts import Attempts
from pipeline.compose import compose
from pipeline.devices import Place, place
from pipeline.errors import UsageError
from pipeline.graph import build
from pipeline.kinds import Needs
from pipeline.launchers import spread
from pipeline.launchers.slurm.settings import Request
from pipeline.limits import ONE_AT_A_TIME, needs_of
from stages.project import R1


def graph(*words: str) -> Any:
    recipe = () if words[0].startswith("recipe=") else ("recipe=r1_zero",)
    composed = compose(R1, [*recipe, *words])
    found = build(composed.stages, R1.kinds(), composed.root)
    checks.refuse(checks.problems(found))
    return found


def test_a_gang_wants_a_gpu_per_process_and_a_fleet_whole_engines() -> None:
    nodes = graph("parallel=ddp", "rollout=vllm", "rollout.tensor_parallel_size=2").stages
    gang = Needs(processes=None, devices=None, divides=32, engine_devices=2)
    assert needs_of(nodes["zero"]) == gang
    fleet = Needs(processes=1, devices=None, each=2, engine_devices=2)
    assert needs_of(nodes["eval_zero"]) == fleet
    assert needs_of(nodes["reasoning_clean"]) == Needs(processes=1, devices=0)
    four = graph("parallel=fsdp2", "stages.zero.parallel.processes=4").stages["zero"]
    assert needs_of(four) == Needs(processes=4, devices=4, divides=32)
    assert four.config.parallel.fsdp["fsdp_version"] == 2


def test_engines_of_rl_have_the_last_gpus_for_themselves() -> None:
    words = ("rollout=vllm", "stages.zero.rollout.own_gpus=2")
    zero = needs_of(graph("parallel=ddp", *words).stages["zero"])
    assert zero == Needs(processes=None, devices=None, divides=32, beside=2)
    assert place(zero, tuple("01234567"), 8, at_once=1) == Place(4, tuple("012345"))
    one = needs_of(graph(*words).stages["zero"])
    assert place(one, tuple("01234567"), 8, at_once=1) == Place(1, tuple("012"))


def test_nodes_of_engines_have_whole_engines_and_leave_the_gang_as_it_is() -> None:
    words = ("parallel=ddp", "rollout=vllm", "rollout.engine_nodes=2", "rollout.weights=broadcast")
    stage = graph(*words, "rollout.tensor_parallel_size=4").stages["zero"]
    assert needs_of(stage) == Needs(
        processes=None, devices=None, divides=32, engine_nodes=2, engine_devices=4
    )
    attempts, limits = Attempts(Path("nowhere")), ONE_AT_A_TIME
    found = spread.spread(stage, attempts, Request(nodes=2, gpus=4), 8, limits)
    assert found is not None
    assert (found.place.processes, found.place.nodes, found.place.engine_nodes) == (8, 2, 2)
    with pytest.raises(UsageError, match="an engine has 4 GPUs, and a node that holds engines fo"):
        spread.check(stage, Request(gpus=2), 8)


def test_tokens_weigh_only_where_an_engine_is_apart_from_the_policy() -> None:
    def importance(*words: str) -> Any:
        return graph(*words).stages["zero"].config.importance

    assert importance("rollout=transformers") is None
    assert importance("algorithm=rft", "rollout=vllm") is None
    assert importance("rollout=vllm").clip_max == 2.0
    assert importance("stages.zero.rollout_ahead=1").mode == "token_truncate"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("parallel=zero3",), "is 3, which has no whole weights to generate from"),
        (("parallel=fsdp2", "algorithm=ppo"), "the second model of algorithm=ppo is not sharded"),
        (("stages.zero.parallel.strategy=fsdp",), "choose a group that fills it, e.g. parallel="),
        (
            ("stages.zero.parallel.processes=4", "rollout=vllm", "rollout.tensor_parallel_size=3"),
            "rollout.tensor_parallel_size: is 3, and engines share the GPUs of",
        ),
        (
            ("rollout=vllm", "rollout.own_gpus=3", "rollout.tensor_parallel_size=2"),
            "own_gpus: is 3, and an engine has rollout.tensor_parallel_size=2 of them",
        ),
        (
            ("rollout=vllm", "rollout.weights=broadcast"),
            "weights: is broadcast, and engines share the GPUs of training, where NCCL joins no",
        ),
        (
            ("stages.zero.rollout.engine_nodes=1",),
            "zero.rollout.engine_nodes: is 1, and rollout=transformers samples from the weights",
        ),
        (
            ("rollout=vllm", "rollout.engine_nodes=1", "rollout.own_gpus=2"),
            "own_gpus: is 2, and rollout.engine_nodes=1 has all engines: set one of them to 0",
        ),
        (
            ("stages.eval_zero.rollout={engine_nodes: 1, engines_at: [here:7000]}",),
            "engine_nodes: is 1, and rollout.engines_at names the engines: set it to 0",
        ),
        (("rollout.weights=nccl",), "rollout.weights: is .nccl.: expected one of file, broadcast"),
        (("stages.zero.rollout_ahead=2",), "rollout_ahead: is 2: set it to 0, or to 1"),
        (("algorithm=rft", "stages.zero.rollout_ahead=1"), "a model that does not change"),
        (
            ("stages.zero.rollout_ahead=1", "stages.zero.importance=null"),
            "importance: is null, and rollout_ahead=1 trains on the tokens of an older policy",
        ),
        (
            ("rollout=vllm", "stages.zero.importance.clip_max=0.5"),
            "clip_max: is 0.5, with clip_min=None: a token that both say alike has the ratio 1",
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
