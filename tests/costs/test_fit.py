"""A machine's file measured from its stages: what is true of the machine is found again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.compose import compose
from pipeline.graph import build
from pipeline.kinds import Stage
from stages.costs import hardware, memory, speed
from stages.costs.actual import Actual
from stages.costs.estimate import work_of
from stages.costs.fit import Observed, fitted
from stages.costs.hardware import Hardware, of_root
from stages.costs.least_squares import coefficients
from stages.costs.work import Draw, Known, Passes, Work, assumed
from stages.project import R1


@pytest.fixture(scope="module")
def tiny() -> tuple[dict[str, Stage], Hardware]:
    composed = compose(R1, ["hardware=cpu2"])
    graph = build(composed.stages, R1.kinds(), composed.root)
    return dict(graph.stages), of_root(composed.root)


def works(stages: Mapping[str, Stage]) -> dict[str, Work]:
    root = next(iter(stages.values())).root
    known = Known(root, assumed(root), work_of, {})
    return {name: known.work(stage) for name, stage in stages.items()}


def ran(kind: str, work: Work, machine: Hardware) -> Observed:
    """The stage as that machine would tell it, when all goes as it was foreseen."""
    found = dict(speed.phases(kind, work, machine, 1))
    draws = [task for task in work.tasks if isinstance(task, Draw)]
    learns = [task for task in work.tasks if isinstance(task, Passes) and task.updates]
    counts = {
        "decode_calls": sum(_steps(task, machine) for task in draws),
        "tokens_in": sum(task.read for task in draws),
        "tokens_out": sum(task.tokens for task in draws),
        "tokens_trained": sum(task.tokens for task in learns),
        "passes": sum(task.calls for task in learns),
        "updates": sum(task.updates for task in learns),
    }
    held = sum(memory.peak(work, machine, 1).values())
    return Observed(
        kind,
        work,
        Actual(
            seconds=sum(found.values()),
            phases=found if draws or learns else {"start": sum(found.values())},
            processor={},
            tokens_in=None,
            tokens_out=None,
            memory_bytes=held or None,
            device_bytes=None,
            disk_bytes=0.0,
            longest=None,
            counts={name: value for name, value in counts.items() if value},
        ),
    )


def _steps(task: Draw, machine: Hardware) -> float:
    batch = speed.decoding(task, machine, 1).batch
    return task.rounds * max(1.0, task.sequences / batch) * task.longest


def test_what_is_true_of_a_machine_is_found_from_what_its_stages_tell(tiny: Any) -> None:
    stages, base = tiny
    truth = replace(
        base,
        device=replace(base.device, tflops={"bfloat16": 0.05, "float32": 0.05}),
        efficiencies=replace(
            base.efficiencies,
            training={"sft": 0.5, "rl": 0.8, "reward_model": 1.0, "pretrain": 0.7},
            forward=0.8,
            decode_math=0.6,
            step_seconds=0.007,
            call_seconds=0.03,
            update_seconds=0.2,
            start_seconds=9.0,
            light_seconds=1.5,
            row_seconds={"problems": 0.001, "clean_problems": 0.004, "rl": 0.002},
            process_gb=0.8,
        ),
    )
    seen = [ran(stages[name].kind.name, work, truth) for name, work in works(stages).items()]
    found = fitted(base, seen, "mine")
    own, true = found.efficiencies, truth.efficiencies
    reached = {kind: share * found.device.flops("float32") for kind, share in own.training.items()}
    for kind in ("sft", "rl", "reward_model"):
        assert reached[kind] == pytest.approx(true.training[kind] * 0.05e12, rel=0.1)
    assert own.decode_math * found.device.flops("float32") == pytest.approx(0.03e12, rel=0.1)
    for name in ("step_seconds", "call_seconds", "update_seconds", "start_seconds", "process_gb"):
        assert getattr(own, name) == pytest.approx(getattr(true, name), rel=0.1), name
    assert own.row_seconds["clean_problems"] == pytest.approx(0.004, rel=0.1)
    assert own.light_seconds == pytest.approx(1.5, rel=0.1)


def test_an_engine_that_counts_no_steps_is_as_slow_as_it_was(tiny: Any) -> None:
    stages, base = tiny
    own = base.efficiencies
    truth = replace(base, efficiencies=replace(own, step_seconds=2 * own.step_seconds))
    seen = ran("evaluate", works(stages)["eval_zero"], truth)
    counts = {name: value for name, value in seen.actual.counts.items() if name != "decode_calls"}
    seen = replace(seen, actual=replace(seen.actual, counts=counts))
    (task,) = seen.draws
    found = fitted(base, [seen], "mine")
    took = speed.draw_seconds(task, truth, 1)
    assert speed.draw_seconds(task, found, 1) == pytest.approx(took, rel=0.1)


def test_the_file_is_read_as_hardware_of_ones_own(tiny: Any, tmp_path: Path) -> None:
    stages, base = tiny
    seen = [ran(stages[name].kind.name, work, base) for name, work in works(stages).items()]
    path = tmp_path / "mine.yaml"
    path.write_text(f"# measured\n{fitted(base, seen, 'mine').to_yaml()}")
    composed = compose(R1, [f"hardware.file={path}"])
    read = of_root(composed.root)
    assert read.name == "mine"
    assert read == hardware.of(yaml.safe_load(path.read_text()), str(path))


def test_what_no_stage_showed_stays_as_it_was(tiny: Any) -> None:
    stages, base = tiny
    own = works(stages)
    assert fitted(base, [], "mine") == replace(base, name="mine")
    (light,) = [ran("problems", own["heldout"], base)]
    found = fitted(base, [light], "mine").efficiencies
    assert found.training == base.efficiencies.training
    assert found.step_seconds == base.efficiencies.step_seconds


def test_a_coefficient_is_never_below_nothing() -> None:
    rows = [{"a": 1.0, "b": 10.0}, {"a": 2.0, "b": 10.0}, {"a": 3.0, "b": 11.0}]
    found = coefficients(rows, [3.0, 6.0, 9.0])
    assert found["a"] == pytest.approx(3.0)
    assert found["b"] == 0.0
    assert coefficients([], []) == {}
