"""The cost of stages that another program runs, and of those that a scheduler places."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from pipeline.compose import Composed, compose
from pipeline.graph import build
from pipeline.kinds import Stage
from stages.commands.cost_page import asked_by
from stages.costs.elsewhere import cut_over
from stages.costs.estimate import Forecast, forecast
from stages.costs.hardware import GB, of_root
from stages.project import R1

MOE = ("recipe=r1_zero", "profile=paper_moe", "hardware=h800x8")
CLUSTER = ("recipe=r1_zero", "profile=cluster", "hardware=h100x8", "launcher=slurm")


@cache
def composed(*words: str) -> tuple[Composed, dict[str, Stage]]:
    found = compose(R1, words)
    return found, dict(build(found.stages, R1.kinds(), found.root).stages)


def foreseen(*words: str, nodes: int | None = None) -> Forecast:
    """The forecast of a recipe, on so many machines."""
    found, stages = composed(*words)
    hardware = of_root(found.root, found.choices["hardware"])
    hardware = replace(hardware, nodes=nodes or hardware.nodes)
    return forecast(stages, hardware, granted=asked_by(found, hardware))


def test_an_engine_has_its_own_gpus_and_shares_all_out_over_them() -> None:
    zero = foreseen(*MOE).stages["zero"]
    assert zero.devices == 512
    assert zero.gpu_hours == pytest.approx(512 * zero.seconds / 3600)
    # 671e9 parameters: bf16 weights and reference, fp32 gradients, fp32 weights and two averages.
    parts = {"weights": 2, "reference": 2, "gradients": 4, "optimiser": 12}
    for part, size in parts.items():
        assert zero.peak_bytes[part] == pytest.approx(size * 671e9 / 512, rel=0.01), part
    assert zero.peak_bytes["engine"] == pytest.approx(0.6 * 80 * GB)
    assert not zero.problems


def test_an_engine_is_started_once_for_each_segment() -> None:
    assert foreseen(*MOE).stages["zero"].phases["start"] == 29 * 60


def test_more_gpus_than_there_are_are_told_with_the_machines_that_would_do() -> None:
    (problem,) = foreseen(*MOE, nodes=12).stages["zero"].problems
    assert problem.key == "engine.nodes"
    assert "512 GPUs, and the hardware has 96: set hardware.nodes to 64" in problem.text
    few = foreseen(*MOE, "engine.nodes=12").stages["zero"]
    (problem,) = few.problems
    assert few.devices == 96
    assert "is 12: it needs" in problem.text


@pytest.mark.parametrize(
    ("words", "gpus"),
    [
        ([], 1),
        (["model_engine=megatron", "actor_rollout_ref.actor.megatron.context_parallel_size=8"], 8),
        (["actor_rollout_ref.actor.ulysses_sequence_parallel_size=4"], 4),
        (["actor_rollout_ref.rollout.tensor_model_parallel_size=32"], 1),
        (["--tensor-model-parallel-size", "8", "--context-parallel-size", "2"], 16),
        (["--expert-model-parallel-size", "8", "--colocate"], 1),
    ],
)
def test_an_engines_own_words_say_over_how_many_gpus_it_cuts_a_row(
    words: list[str], gpus: int
) -> None:
    assert cut_over(words) == gpus


def test_what_no_machine_holds_is_reckoned_on_all_of_them_and_named() -> None:
    from stages.commands.cost_page import _words

    found = foreseen(*MOE)
    base = found.stages["eval_base"]
    assert (base.devices, base.not_here, base.peak_bytes, base.problems) == (512, True, {}, ())
    assert "not run here: eval_base, eval_zero" in list(_words(found))


def test_a_stage_has_the_nodes_and_gpus_that_a_scheduler_is_asked_for() -> None:
    found = foreseen(*CLUSTER)
    assert (found.stages["zero"].devices, found.stages["eval_zero"].devices) == (32, 8)
    assert not found.stages["zero"].problems
    wider = foreseen(*CLUSTER, "launcher.profiles.cluster.kinds.rl.nodes=2").stages["zero"]
    assert wider.devices == 16


def test_fsdp_has_policy_and_reference_whole_while_it_draws() -> None:
    parts = foreseen(*CLUSTER).stages["zero"].peak_bytes
    assert parts["gathered weights"] == pytest.approx(2 * 2 * 7.616e9, rel=0.001)
    assert parts["weights"] == pytest.approx(4 * 7.616e9 / 32, rel=0.001)
    assert parts["engine"] == pytest.approx(0.3 * 80 * GB)
