"""The clean kinds in a graph: what they take, what they give, and the numbers they ship with."""

from __future__ import annotations

import pytest

from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.graph import build
from stages.kinds.clean.kind import CleanConfig
from stages.kinds.evaluate.config import EvaluateConfig
from stages.kinds.general.kind import GeneralConfig
from stages.kinds.problems.kind import ProblemsConfig
from stages.project import R1
from stages.registry import REGISTRY
from tests.shipped import shipped

TYPES = ("problems", "samples", "conversations")


def stages(**clean):
    problems = ProblemsConfig("problems", split="train")
    return {
        "pool": problems,
        "heldout": problems,
        "talks": shipped(GeneralConfig, "general"),
        "prompts": CleanConfig(**{"kind": "clean_problems", "data_from": ["pool"], **clean}),
    }


def test_problems_come_in_and_problems_go_out():
    graph = build(stages(apart_from=["heldout"]), REGISTRY)
    assert graph.inputs("prompts") == ["pool", "heldout"]
    assert graph.nodes["prompts"].kind.produces == "problems"
    for type_ in TYPES:
        kind = REGISTRY[f"clean_{type_}"]
        assert kind.produces == type_
        assert kind.edges["data_from"].types == {type_}


@pytest.mark.parametrize(
    ("clean", "message"),
    [
        ({}, r"stages\.prompts\.apart_from: .* needs an input of type `problems`, found nothing"),
        (
            {"apart_from": ["heldout"], "data_from": ["talks"]},
            r"data_from\[0\]: found `talks`, which produces `conversations`.* expected `problems`",
        ),
        ({"apart_from": ["talks"]}, r"apart_from\[0\]: found `talks`.* expected `problems`"),
    ],
)
def test_a_wrong_input_is_named_by_its_key(clean, message):
    with pytest.raises(UsageError, match=message):
        build(stages(**clean), REGISTRY)


def test_other_kinds_take_nothing_to_be_apart_from():
    wrong = shipped(EvaluateConfig, "evaluate", apart_from=["heldout"])
    with pytest.raises(UsageError, match="takes nothing by `apart_from`"):
        build({**stages(apart_from=["heldout"]), "eval": wrong}, REGISTRY)


@pytest.mark.parametrize("type_", TYPES)
def test_each_shipped_file_sets_every_number(type_):
    composed = compose(R1, [f"+stage@stages.cleaned=clean_{type_}"])  # refuses what has no value
    assert isinstance(composed.stages["cleaned"], CleanConfig)
