"""Every shipped recipe keeps what it trains on apart from all that it evaluates."""

from __future__ import annotations

import pytest

from pipeline.compose import compose
from pipeline.graph import Node, build
from stages.project import R1
from stages.registry import REGISTRY


@pytest.mark.parametrize("recipe", ["r1", "r1_zero", "distill"])
def test_what_is_trained_on_is_apart_from_all_that_is_evaluated_or_validated_on(
    recipe: str,
) -> None:
    nodes = build(compose(R1, [f"recipe={recipe}"]).stages, REGISTRY).nodes

    def kinds(*names: str) -> list[Node]:
        return [node for node in nodes.values() if node.kind.name in names]

    def inputs(node: Node, edge: str) -> set[str]:
        return {one.stage for one in node.edges if one.name == edge}

    evaluated = {stage for node in kinds("evaluate") for stage in inputs(node, "data_from")}
    evaluated |= {stage for node in kinds("rl") for stage in inputs(node, "validate_on")}
    asked = {stage for node in kinds("rl", "sample") for stage in inputs(node, "data_from")}
    prompts = [nodes[stage] for stage in asked if nodes[stage].kind.produces == "problems"]
    assert evaluated
    assert {node.kind.name for node in prompts} == {"clean_problems"}
    for node in [*prompts, *kinds("clean_conversations", "clean_samples")]:
        assert inputs(node, "apart_from") >= evaluated, node.name
