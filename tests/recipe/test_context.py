"""What a model cannot see is refused when the recipe is composed, with a value that fits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import constants

from pipeline import checks
from pipeline.errors import UsageError
from pipeline.kinds import Problem
from stages.models.window import window_of
from stages.project import main

STUDENTS = ("recipe=students", "stages.rows.path=mine.jsonl")
BASE = "stages.student_qwen_7b_base"

# Models of the tiny world see 512 tokens. override → what is said of it
TOO_LONG = {
    "stages.zero.sampling.max_tokens=400": "stages.zero.sampling.max_tokens: is 400 beside "
    "max_prompt_tokens=128, and base sees 512 tokens in all: set it to at most 384",
    "stages.dev2.length_switches=[{step: 10, max_tokens: 512}]": "stages.dev2.length_switches[0]."
    "max_tokens: is 512 beside max_prompt_tokens=128, and dev1 sees 512",
    "stages.dev1.max_length=1024": "give the model more room: "
    "stages.base.shape.max_position_embeddings=1024",
    "stages.helpful_rm.max_length=513": "stages.helpful_rm.max_length: is 513, and dev1 sees 512",
    "stages.reasoning_data.sampling.max_tokens=512": "stages.reasoning_data.sampling.max_tokens: "
    "is 512 beside a prompt, and dev2 sees 512 tokens in all: set it to at most 384",
    "stages.eval_r1.sampling.max_tokens=450": "stages.eval_r1.sampling.max_tokens: is 450 beside",
    "stages.cold_start_data.rewrite.sampling.max_tokens=600": "stages.cold_start_data.rewrite."
    "sampling.max_tokens: is 600",
    "stages.general_data.sampling.max_tokens=700": "stages.general_data.sampling.max_tokens: is",
    "stages.preference_pairs.judging.sampling.max_tokens=800": "stages.preference_pairs.judging."
    "sampling.max_tokens: is 800",
}
WITH_MODELS = (
    "stages.cold_start_data.rewriter=model",
    "stages.cold_start_data.rewrite_with=base",
    "stages.general_data.data_from=[human_cot,dev2]",
    "stages.preference_pairs.judge_with=dev3",
    "stages.preference_pairs.data_from=[dev3,general_clean]",
)


def said(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> str:
    assert main([*words]) == code
    captured = capsys.readouterr()
    return captured.err or captured.out


pytestmark = pytest.mark.usefixtures("own_folder")


def checkpoint(folder: Path, positions: int) -> Path:
    """A folder with the config.json of a model that sees so many tokens."""
    folder.mkdir(parents=True)
    config = {"max_position_embeddings": positions, "rope_theta": 10000.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_a_student_of_4096_positions_is_refused_at_8192_when_it_is_composed(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = checkpoint(Path("qwen"), 4096)
    words = (verb, *STUDENTS, f"{BASE}.path={base}", "stages.student_qwen_7b.max_length=8192")
    text = said(capsys, 2, *words, f"{BASE}.context.positions=null")
    assert (
        "stages.student_qwen_7b.max_length: is 8192, and student_qwen_7b_base sees 4096 tokens in "
        f"all: set it to at most 4096, or give the model more room: {BASE}.context.positions=8192"
    ) in text
    assert not (tmp_path / "outputs").exists(), "nothing was begun"
    assert "to run" in said(capsys, 0, "plan", *words[1:], f"{BASE}.context.positions=8192")


def test_a_model_of_the_hubs_cache_is_known_before_it_is_adopted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    words = ("plan", "recipe=r1_zero", "model@stages.base=hub", "stages.base.path=me/mine")
    assert "base " in said(capsys, 0, *words)  # nobody knows it
    folder = tmp_path / "models--me--mine"
    checkpoint(folder / "snapshots" / "abc", 128)
    (folder / "refs").mkdir()
    (folder / "refs/main").write_text("abc")
    assert "base sees 128 tokens in all" in said(capsys, 2, *words)


def test_every_stage_that_reads_or_writes_too_much_is_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = said(capsys, 2, "plan", *WITH_MODELS, *TOO_LONG)
    assert [words for words in TOO_LONG.values() if words not in text] == []


def test_a_reward_model_must_see_what_the_policy_says(capsys: pytest.CaptureFixture[str]) -> None:
    small = checkpoint(Path("small"), 200)
    words = ("+model@stages.small=hub", f"stages.small.path={small}")
    more = ("stages.safety_rm.init_from=small", "stages.safety_rm.max_length=200")
    text = said(capsys, 2, "plan", *words, *more)
    assert (
        "stages.r1.sampling.max_tokens: is 96 beside max_prompt_tokens=128, and safety_rm" in text
    )
    assert "stages.safety_rm.max_length" not in text


@pytest.mark.parametrize("profile", ["small", "one_gpu", "paper"])
def test_the_papers_students_are_planned_at_every_size(
    profile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, 0, "plan", *STUDENTS, f"profile={profile}")
    assert "21 stages: 0 done, 21 to run" in text


@pytest.mark.parametrize(
    ("facts", "seen"),
    [
        ({"max_position_embeddings": 4096, "rope_scaling": None}, 4096),
        ({"text_config": {"max_position_embeddings": 8192}}, 8192),
        ({"n_positions": 1024}, 1024),
        ({"model_type": "mamba"}, None),
        (
            {
                "max_position_embeddings": 32768,
                "rope_parameters": {
                    "rope_type": "yarn",
                    "factor": 4.0,
                    "original_max_position_embeddings": 32768,
                },
            },
            131072,
        ),
        (
            {
                "max_position_embeddings": 131072,
                "rope_scaling": {
                    "rope_type": "llama3",
                    "factor": 8.0,
                    "original_max_position_embeddings": 8192,
                },
            },
            131072,
        ),
        (
            {
                "max_position_embeddings": 163840,
                "rope_scaling": {
                    "type": "yarn",
                    "factor": 40,
                    "original_max_position_embeddings": 4096,
                },
            },
            163840,
        ),
    ],
)
def test_what_a_config_says_that_its_model_sees(facts: dict[str, object], seen: int | None) -> None:
    assert window_of(facts) == seen


def test_the_paper_preset_is_shown_and_does_not_run_on_the_tiny_world(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "warning: stages.base.kind: is pretrain" in said(capsys, 0, "plan", "profile=paper")
    text = said(capsys, 2, "run", "profile=paper", "until=zero")
    assert "model@stages.base=deepseek_v3_base" in text
    assert "26K of maths, 17K of code and 8K" in text
    brought = ("model@stages.base=deepseek_v3_base", "data@stages.reasoning_prompts=math_train")
    text = said(capsys, 0, "plan", "profile=paper", "recipe=r1_zero", *brought)
    assert "stages.heldout.kind" in text
    assert "stages.base.kind" not in text


def test_results_of_the_tiny_world_that_are_there_do_not_serve_either() -> None:
    base = {"base": [Problem("kind", "of the tiny world", when_run=True, when_used=True)]}
    with pytest.raises(UsageError, match=r"stages\.base\.kind: of the tiny world"):
        checks.refuse_to_run(base, ["zero"], ["base", "zero"])
    absent = {"base": [Problem("parallel.strategy", "not installed here", when_run=True)]}
    checks.refuse_to_run(absent, ["zero"], ["base", "zero"])
