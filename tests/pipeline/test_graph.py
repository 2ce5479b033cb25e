"""A wrong recipe is named by its key, with what was found and what was expected."""

from __future__ import annotations

from typing import Any

import pytest
from toy_recipe.kinds import REGISTRY, SourceConfig, TotalConfig, WorkConfig

from pipeline.errors import UsageError
from pipeline.graph import Graph, build, select
from pipeline.plan import Decision, StageFacts, State, absent_inputs, decide


def source() -> SourceConfig:
    return SourceConfig("source", count=1)


def work(*data_from: str, **more: Any) -> WorkConfig:
    return WorkConfig("work", data_from=list(data_from), add=1, **more)


def total(*data_from: str) -> TotalConfig:
    return TotalConfig("total", data_from=list(data_from))


def diamond() -> Graph:
    stages = {"end": total("left", "right"), "left": work("numbers"), "right": work("numbers")}
    return build({**stages, "numbers": source(), "alone": source()}, REGISTRY)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ({"a": SourceConfig("sauce")}, r"stages\.a\.kind: `sauce` .* Did you mean `source`"),
        (
            {"numbers": source(), "w": work("nubmers")},
            r"stages\.w\.data_from\[0\]: there is no stage `nubmers`.*Did you mean `numbers`",
        ),
        (
            {"n": source(), "t": total("n"), "w": work("n", "t")},
            r"stages\.w\.data_from\[1\]: found `t`, which produces `sum` .* expected `numbers`",
        ),
        (
            {"n": source(), "w": work("n", init_from="n")},
            r"stages\.w\.init_from: .* takes nothing by `init_from`.* It takes: `data_from`",
        ),
        (
            {"n": source(), "w": work()},
            r"stages\.w\.data_from: .* needs an input of type `numbers`, found nothing.*`n`",
        ),
        (
            {"n": source(), "w": work("n", "n", "n")},
            r"stages\.w\.data_from: found 3 stages of type `numbers` \(n, n, n\), .* at most 2",
        ),
        (
            {"n": source(), "a": work("c"), "b": work("a"), "c": work("n", "b")},
            r"cycle: a ← c ← b ← a",
        ),
    ],
)
def test_each_mistake_is_named_by_its_key_and_remedy(stages: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(stages, REGISTRY)


def test_inputs_come_before_what_needs_them() -> None:
    order = list(diamond().stages)
    assert order.index("numbers") < order.index("left") < order.index("end")


def test_until_takes_a_stage_and_all_that_it_needs() -> None:
    assert set(select(diamond(), until="left").stages) == {"numbers", "left"}
    both = select(diamond(), until=["left", "alone"]).stages
    assert set(both) == {"numbers", "left", "alone"}


def test_only_takes_nothing_else() -> None:
    assert select(diamond(), only="end").stages == ("end",)


def test_an_unknown_stage_in_a_subset_is_a_usage_error_with_a_hint() -> None:
    with pytest.raises(UsageError, match=r"until=lefft: no such stage\. Did you mean `left`"):
        select(diamond(), until="lefft")
    with pytest.raises(UsageError, match="exclude each other"):
        select(diamond(), until="left", only="left")


DONE = StageFacts(adoptable=True)


def states(decisions: dict[str, Decision]) -> dict[str, str]:
    return {name: str(decision.state) for name, decision in decisions.items()}


def test_a_failure_blocks_what_depends_on_it_and_nothing_else() -> None:
    facts = {name: StageFacts() for name in diamond().stages} | {"numbers": DONE}
    facts["right"] = StageFacts(worked_on=True)
    decided = decide(diamond(), select(diamond()), facts, failed={"left": "no"})
    assert states(decided) == {
        "numbers": "done",
        "left": "failed",
        "right": "resume",
        "end": "blocked",
        "alone": "run",
    }
    assert decided["end"] == Decision(State.BLOCKED, "needs left, which is failed")


def test_only_is_blocked_by_inputs_that_are_not_there() -> None:
    facts = {name: StageFacts() for name in diamond().stages} | {"left": DONE}
    chosen = select(diamond(), only="end")
    assert states(decide(diamond(), chosen, facts)) == {"end": "blocked"}
    assert absent_inputs(diamond(), chosen, facts) == {"end": ["right"]}


def test_a_stage_that_another_process_holds_is_running() -> None:
    facts = {name: StageFacts() for name in diamond().stages}
    facts["numbers"] = StageFacts(holder="process 7 on there", worked_on=True)
    assert states(decide(diamond(), select(diamond()), facts))["numbers"] == "running"
