"""The benchmark of evaluation asks its contenders for the same work."""

from __future__ import annotations

from benchmarks import evaluation as bench
from stages.settings.generation import Sampling


def test_the_stage_draws_what_its_engine_draws_and_each_contender_all_samples(
    tiny_model_dir, tmp_path
):
    settings = bench.Settings(tiny_model_dir, 2, Sampling(1.0, max_tokens=8), 1, batch=8, workers=1)
    problems = bench.tiny_problems(12)
    found = bench.measure(settings, problems, 2, tmp_path, set(bench.CONTENDERS))
    assert list(found) == ["stage", "engine", "trl", "generate"]
    assert {one.samples for one in found.values()} == {24}
    assert found["stage"].tokens == found["engine"].tokens
    assert all(24 <= one.tokens <= 24 * 8 for one in found.values())
    report = bench._report(found, settings, len(problems), 2)
    assert len(report["ratios"]["engine / trl"]["by_round"]) == 2


def test_problems_are_as_many_as_asked_and_no_prompt_comes_twice():
    rows = bench.tiny_problems(300)
    assert len({row["prompt"][0]["content"] for row in rows}) == 300
    assert {row["domain"] for row in rows} == {"math", "code", "stem", "logic", "general"}
