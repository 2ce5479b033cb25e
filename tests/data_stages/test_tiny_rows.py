"""Problems, worked and general conversations of the tiny world."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import UsageError
from stages.kinds.general import run as general
from stages.kinds.general.kind import GeneralConfig
from stages.kinds.problems import run as problems
from stages.kinds.problems.kind import ProblemsConfig, SharedNgrams
from stages.language.consistency import consistency
from stages.rows.schemas import read_rows
from stages.tiny.general import REPLY
from stages.verifiers.answer import parse
from tests.shipped import shipped

PER_DOMAIN = {"math": 6, "code": 3, "stem": 3, "logic": 3, "general": 3}


def make(run, config, context):
    outputs = run(config, {}, context)
    return read_rows(context.output / "rows.parquet"), outputs


def tiny(split: str = "train", **changes) -> ProblemsConfig:
    asked = {"per_domain": PER_DOMAIN, "shared": SharedNgrams(10, 3, 3)} | changes
    return ProblemsConfig("problems", split=split, seed=0, **asked)


def test_every_domain_and_language_gets_its_number_of_problems(make_context):
    rows, outputs = make(problems.run, tiny(), make_context())
    assert len(rows) == 2 * sum(PER_DOMAIN.values())
    assert outputs.facts["by_domain_language"]["math/zh"] == 6
    assert outputs.funnel == {"asked": 36, "not_that_many": 0, "shares_text": 0, "kept": 36}


def test_requests_for_harm_test_safety_and_all_other_general_queries_ask_for_help(make_context):
    config = ProblemsConfig(
        "problems", split="train", per_domain={"general": 60, "math": 2}, seed=0
    )
    rows, _ = make(problems.run, config, make_context())
    said = [json.loads(row["metadata"]) for row in rows if row["domain"] == "general"]
    kinds = {(facts["topic"] == "harm", facts["preference"]) for facts in said}
    assert kinds == {(True, "safety"), (False, "helpful")}
    assert not any("preference" in row["metadata"] for row in rows if row["domain"] == "math")


def test_held_out_problems_ask_another_task_in_each_language(make_context):
    rows, _ = make(
        problems.run, tiny("claims", per_domain=dict.fromkeys(PER_DOMAIN, 40)), make_context()
    )
    assert len(rows) == 2 * 40 * len(PER_DOMAIN)
    assert len({json.loads(row["metadata"])["task"] for row in rows}) == len(rows)


def test_problems_apart_from_others_of_the_split_share_no_task_with_them_in_any_language(
    make_context, make_artifact, tmp_path
):
    some = tiny("settling", languages=["en"])
    rows, _ = make(problems.run, some, make_context(tmp_path / "heldout"))
    heldout = make_artifact("problems", "heldout", rows)
    more = tiny("settling", per_domain=dict.fromkeys(PER_DOMAIN, 20))
    context = make_context(tmp_path / "validation")
    outputs = problems.run(more, {"apart_from": (heldout,)}, context)
    found = read_rows(context.output / "rows.parquet")
    assert outputs.facts["by_domain_language"]["math/zh"] == 20
    tasks = [{json.loads(row["metadata"])["task"] for row in own} for own in (rows, found)]
    assert all(tasks)
    assert not tasks[0] & tasks[1]


def test_worked_conversations_think_in_the_questions_language_and_check(make_context):
    rows, _ = make(problems.run_worked, tiny(), make_context())
    assert len(rows) == 36
    for row in rows:
        parsed = parse(row["completion"])
        assert parsed.response
        assert consistency(parsed.reasoning, row["language"]) in (None, 1.0)
        assert "wait" in parsed.reasoning or "等等" in parsed.reasoning


def test_a_wrong_split_or_no_domain_is_refused_with_the_key(make_context):
    with pytest.raises(UsageError, match=r"stages\.stage\.split: is 'test': expected one of train"):
        problems.run(tiny("test"), {}, make_context())
    with pytest.raises(UsageError, match=r"stages\.stage\.per_domain: asks for no rows"):
        problems.run(ProblemsConfig("problems", split="train", seed=0), {}, make_context())


def test_general_rows_think_except_about_greetings(make_context):
    config = shipped(GeneralConfig, "general", rows={"thoughtful": 40, "direct": 11}, seed=0)
    rows, outputs = make(general.run, config, make_context())
    assert len(rows) == 51
    assert outputs.facts["with_thought"] == 40
    assert outputs.facts["rows_by_language"] == {"en": 25, "zh": 26}
    direct = [row for row in rows if "direct" in row["id"]]
    assert {parse(row["completion"]).response for row in direct} == set(REPLY.values())
    assert {parse(row["completion"]).reasoning for row in direct} == {""}
    assert len({row["id"] for row in rows}) == len(rows)


def test_general_rows_that_do_not_exist_are_counted(make_context):
    config = shipped(GeneralConfig, "general", rows={"direct": 1000}, seed=0)
    rows, outputs = make(general.run, config, make_context())
    assert outputs.funnel["not_that_many"] == 1000 - len(rows)
    assert len({row["prompt"][0]["content"] for row in rows}) == len(rows)


def test_an_unknown_source_is_named_with_its_key(make_context):
    with pytest.raises(UsageError, match=r"stages\.stage\.rows: has poems: expected any of thou"):
        general.run(
            shipped(GeneralConfig, "general", rows={"poems": 3}, seed=0), {}, make_context()
        )
