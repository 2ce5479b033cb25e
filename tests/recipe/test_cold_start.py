"""The cold start of every preset: who rewrites is named, or it is said that nobody does (B.3.2)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import checks, plan_command
from pipeline.compose import Composed, compose
from pipeline.errors import UsageError
from pipeline.graph import build
from pipeline.run_command import execute
from stages.chat import prompt_texts
from stages.language.consistency import consistency
from stages.project import R1
from stages.registry import REGISTRY
from stages.verifiers.answer import parse

WRITER = ["model@stages.writer=hub", "stages.writer.path=some/instruct-model"]
NOBODY = "stages.cold_start_data.rewrite_with=null"


def found(*overrides: str) -> checks.Problems:
    composed = compose(R1, overrides)
    return checks.problems(build(composed.stages, REGISTRY, composed.root))


def only(tmp_path: Path, *overrides: str) -> Composed:
    this = compose(R1, overrides)
    paths = {"store": str(tmp_path / "store"), "runs": str(tmp_path / "runs"), "adopt": []}
    return replace(this, root=this.root | {"paths": paths, "until": "cold_start_data"})


@pytest.mark.parametrize("profile", ["paper", "small", "one_gpu"])
def test_a_preset_is_not_run_before_a_model_is_named_that_rewrites(
    profile: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    this = only(tmp_path, f"profile={profile}", NOBODY)
    assert plan_command.plan(R1, this, as_json=False) == 0
    assert "warning: stages.cold_start_data.rewrite_with: is null" in capsys.readouterr().out
    with pytest.raises(UsageError, match=r"stages\.cold_start_data\.rewrite_with: is null"):
        execute(R1, this)
    assert "cold_start_data" not in found(f"profile={profile}", "rollout=transformers", *WRITER)


def test_whoever_wants_raw_samples_is_told_and_not_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    this = only(tmp_path, "profile=paper", "stages.cold_start_data.rewriter=null", NOBODY)
    assert plan_command.plan(R1, this, as_json=False) == 0
    said = capsys.readouterr().out
    (line,) = [line for line in said.splitlines() if "cold_start_data.rewriter" in line]
    assert line.startswith("warning: stages.cold_start_data.rewriter: is null, so samples are")
    assert "refuses" not in line


def test_no_preset_learns_thoughts_that_mix_languages() -> None:
    for profile in ("paper", "small", "one_gpu", "tiny"):
        config = compose(R1, [f"profile={profile}"]).stages["cold_start_data"]
        for filters in (config.filters, config.rewrite.filters):
            assert "mixed_language" in filters
        assert config.rewrite.min_language_consistency >= 0.8
        assert config.rewriter is not None
    loose = "stages.cold_start_data.min_language_consistency=0.5"
    (problem,) = [
        one
        for one in found("profile=paper", "stages.cold_start_data.rewriter=null", NOBODY, loose)[
            "cold_start_data"
        ]
        if not one.only_said
    ]
    assert (problem.key, problem.when_run) == ("min_language_consistency", False)
    assert "set it to 0.8" in problem.text


def test_the_prompts_of_the_two_calls_are_files_of_conf_and_can_be_replaced(tmp_path: Path) -> None:
    config = compose(R1, ["profile=paper"]).stages["cold_start_data"]
    assert (config.rewrite.thought.source, config.rewrite.summary.source) == ("B.3.2", "listing 1")
    for prompt in (config.rewrite.thought, config.rewrite.summary):
        assert set(prompt_texts.texts(prompt, "key")) == {"en", "zh"}
    mine = tmp_path / "mine.txt"
    mine.write_text("## Question\n{question}\n## Thought\n{thought}\nSolve it for a reader.")
    key = "stages.cold_start_data.rewrite"
    words = ["profile=paper", *WRITER, f"{key}.summary.file={mine}"]
    summary = compose(R1, words).stages["cold_start_data"].rewrite.summary
    asked = prompt_texts.fill(
        prompt_texts.texts(summary, "key"), "zh", {"question": "q", "thought": "t"}
    )
    assert asked == "## Question\nq\n## Thought\nt\nSolve it for a reader."
    assert "cold_start_data" not in found(*words)
    mine.write_text("Sum it up.")
    (problem,) = found(*words)["cold_start_data"]
    assert problem.key == "rewrite.summary.file"
    assert "lacks {question}, {thought}" in problem.text


def test_pairs_that_cannot_be_shown_are_refused_before_anything_runs(tmp_path: Path) -> None:
    key = "stages.cold_start_data.rewrite.examples"
    pairs = tmp_path / "pairs.jsonl"
    (gone,) = found("profile=paper", *WRITER, f"{key}={pairs}")["cold_start_data"]
    assert "there is no such file" in gone.text
    pairs.write_text('{"question": "1+1=?"}\n')
    (bad,) = found("profile=paper", *WRITER, f"{key}={pairs}")["cold_start_data"]
    assert bad.key == "rewrite.examples"
    assert f"{pairs}, row 1: no text in `language`, `answer`" in bad.text


def test_a_sheet_that_is_not_there_is_asked_for_when_the_stage_runs(tmp_path: Path) -> None:
    words = ["+stage@stages.checked=reviewed", "stages.checked.data_from=[cold_start_data]"]
    (problem,) = found(*words, f"stages.checked.sheet={tmp_path}/check.csv")["checked"]
    assert problem.when_run
    assert f"`r1 review cold_start_data --out {tmp_path}/check.csv` writes it" in problem.text


def test_the_examples_of_simple_maths_have_the_form_that_is_learnt() -> None:
    added = ["+stage@stages.simple_maths=simple_maths"]
    added += ["stages.simple_maths.data_from=[writer,reasoning_clean]"]
    both = "stages.cold_start_data.data_from=[zero,reasoning_clean,human_cot_clean,simple_maths]"
    words = ["profile=paper", *WRITER, *added, both]
    assert not {"simple_maths", "cold_start_data"} & set(found(*words))
    shown = compose(R1, words).stages["simple_maths"].system_prompt.split("<think>")[1:]
    answers = [parse(f"<think>{one}") for one in shown]
    assert [one.answer for one in answers] == ["13", "24", "6"]
    for one, language in zip(answers, ("en", "en", "zh"), strict=True):
        assert consistency(one.reasoning, language) == 1.0
