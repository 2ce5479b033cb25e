"""The profiles for clusters: what they ask of a scheduler, and what of them is not run here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from pipeline import checks
from pipeline.compose import Composed, compose
from pipeline.errors import UsageError
from pipeline.graph import Graph, build
from pipeline.launchers import spread
from pipeline.launchers.ray import settings as ray
from pipeline.launchers.slurm import settings as slurm
from stages.commands.fidelity.departures import Departure, departures, reference_overrides
from stages.project import R1

NOT_HERE = "which no machine holds"


@cache
def planned(*words: str) -> tuple[Composed, Graph]:
    found = compose(R1, words)
    return found, build(found.stages, R1.kinds(), found.root)


def not_here(graph: Graph) -> set[str]:
    """Stages that would load what no machine holds."""
    found = checks.problems(graph)
    checks.refuse(found)
    return {name for name, own in found.items() if any(NOT_HERE in one.text for one in own)}


@pytest.mark.parametrize("profile", ["cluster", "paper_moe"])
def test_what_each_stage_asks_of_a_scheduler_divides_its_work(profile: str) -> None:
    found, graph = planned("recipe=r1", f"profile={profile}", "launcher=slurm")
    checks.refuse(checks.problems(graph))
    settings = slurm.settings_of(found.root["launcher"])
    for name, stage in graph.stages.items():
        spread.check(stage, settings.request(name, stage.kind.name, profile), most=8)


def test_the_papers_size_has_every_number_of_the_paper_and_a_cluster_says_why_it_departs() -> None:
    found: dict[str, list[Departure]] = {}
    for profile in ("cluster", "paper_moe"):
        this, _ = planned("recipe=r1", f"profile={profile}", "launcher=slurm")
        reference, _ = planned(*reference_overrides(this))
        found[profile] = list(departures(this, reference, R1.kinds().edges))
        assert [(d.stage, d.key) for d in found[profile] if d.reason is None] == []
    assert [(d.stage, d.key) for d in found["paper_moe"] if d.source] == []
    assert ("zero", "reference_sync_steps", 400, 0) in {
        (d.stage, d.key, d.reference, d.value)
        for d in found["cluster"]
        if d.source and d.value == 0
    }


def test_slurm_and_ray_are_asked_for_the_same() -> None:
    asked: list[Mapping[str, Any]] = []
    for launcher, read in (("slurm", slurm), ("ray", ray)):
        found, _ = planned("recipe=r1_zero", "profile=cluster", f"launcher={launcher}")
        asked.append(read.settings_of(found.root["launcher"]).profiles)
    assert asked[0] == asked[1]
    assert {"cluster", "paper_moe"} <= asked[0].keys()


def test_of_the_papers_size_an_engine_trains_rl_and_the_rest_is_refused_with_what_to_do() -> None:
    _, graph = planned("recipe=r1", "profile=paper_moe", "launcher=slurm")
    evaluated = {"base", "zero", "dev1", "dev2", "dev3", "r1", "dev2_nolang", "r1_overopt"}
    made = {"dev1", "dev3", "cold_start_data", "reasoning_data"}
    assert not_here(graph) == made | {f"eval_{name}" for name in evaluated}
    assert {graph.stages[name].config.engine.name for name in ("zero", "dev2", "r1")} == {"verl"}
    with pytest.raises(UsageError) as refused:
        checks.refuse_to_run(checks.problems(graph), ["dev1"])
    assert str(refused.value).startswith("stages.dev1.init_from: has the weights of deepseek-ai/")
    assert "train it elsewhere, on the rows of data_from" in str(refused.value)


def test_what_was_made_elsewhere_comes_in_by_the_words_that_are_told() -> None:
    words = (
        *("~stage@stages.dev1", "+model@stages.dev1=hub", "stages.dev1.path=/disk/dev1"),
        *("stages.dev1.fits_a_machine=false", "stages.dev1.init_from=null"),
        "stages.dev1.data_from=[]",
        *("~stage@stages.reasoning_data", "+data@stages.reasoning_data=long_cot"),
        *("stages.reasoning_data.path=rows.jsonl", "stages.reasoning_data.data_from=[]"),
        "+stages.served={kind: served_model, url: http://127.0.0.1:8000/v1, model: zero}",
        *("stages.eval_zero.evaluates=served", "stages.eval_zero.rollout.engine=server"),
    )
    _, graph = planned("recipe=r1", "profile=paper_moe", *words)
    found = not_here(graph)
    assert {"dev3", "eval_dev1", "cold_start_data"} <= found
    assert not {"dev1", "reasoning_data", "eval_zero", "dev2"} & found
