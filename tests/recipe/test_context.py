"""What a model cannot see is refused when the recipe is composed, with a value that fits."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from pipeline import checks
from pipeline.errors import UsageError
from pipeline.kinds import Problem
from stages.models.window import window_of
from stages.project import main
from stages.settings import rope
from stages.settings.rope import RopeScaling

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
        "all: set it to at most 4096, or give the model more room: "
        f"{BASE}.context.positions=8192, or stretched: +{BASE}.context.rope_scaling="
        "{rope_type: yarn, factor: 2}"
    ) in text
    assert not (tmp_path / "outputs").exists(), "nothing was begun"
    assert "to run" in said(capsys, 0, "plan", *words[1:], f"{BASE}.context.positions=8192")


# what is set → what is said of it, by a check that knows no model
NO_SUCH_ROPE = [
    ({"rope_type": "dynamic", "factor": 4}, "is dynamic, whose base follows the longest sequence"),
    ({"rope_type": "longrope", "factor": 4}, "set it to one of yarn, llama3, linear"),
    ({"rope_type": "yarn", "factor": 1}, "factor: is 1, and positions are stretched: set it above"),
    ({"rope_type": "yarn", "factor": math.nan}, "factor: is nan"),
    ({"rope_type": "yarn", "factor": "4"}, "factor: is '4', expected a number"),
    ({"factor": 4}, "has no rope_type: e.g. {rope_type: yarn, factor: 4}"),
    (
        {"rope_type": "yarn", "factor": 4, "theta": 1},
        "has theta: expected any of rope_type, factor",
    ),
    ({"rope_type": "linear", "factor": 4, "beta_fast": 32}, "is 32, which belongs to yarn"),
    ({"rope_type": "yarn", "factor": 4, "beta_fast": -1}, "beta_fast: is -1: set it above 0"),
    (
        {"rope_type": "llama3", "factor": 4, "low_freq_factor": 4},
        "low_freq_factor: is 4, not below high_freq_factor=4: leave both out for 1 and 4",
    ),
]


@pytest.mark.parametrize(("scaling", "words"), NO_SUCH_ROPE)
def test_positions_are_stretched_in_ways_that_all_engines_have(
    scaling: dict[str, Any], words: str
) -> None:
    assert words in "; ".join(f"{one.key}: {one.text}" for one in rope.check(scaling))


def test_a_factor_that_gives_no_more_than_the_model_sees_is_refused() -> None:
    (problem,) = rope.fits(RopeScaling("yarn", 4), 8192, 131072, None)  # Llama 3.1, 8 × 8192 × 2
    assert problem.key == "context.rope_scaling.factor"
    assert "makes 8192 × 4 = 32768, and the model sees 131072 tokens already" in problem.text
    assert "set it above 16" in problem.text
    assert list(rope.fits(RopeScaling("yarn", 17), 8192, 131072, None)) == []


def test_a_stretched_model_sees_what_its_factor_says_and_no_other_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = checkpoint(Path("qwen"), 4096)
    words = (*STUDENTS, f"{BASE}.path={base}", "stages.student_qwen_7b.max_length=8192")
    yarn = f"+{BASE}.context.rope_scaling={{rope_type: yarn, factor: 2}}"
    fits = f"{BASE}.context.positions=null"
    assert "to run" in said(capsys, 0, "plan", *words, yarn, fits)
    less = yarn.replace("2}", "1.5}")
    assert "base sees 6144 tokens in all" in said(capsys, 2, "plan", *words, less, fits)
    other = f"{BASE}.context.positions=16384"
    text = said(capsys, 2, "plan", *words, yarn, other)
    assert "context.positions: is 16384, and rope_scaling makes 4096 × 2 = 8192 of it: set" in text
    assert "rope_scaling.factor to 4" in text


def test_vectors_of_positions_cannot_be_stretched(capsys: pytest.CaptureFixture[str]) -> None:
    Path("gpt").mkdir()
    Path("gpt/config.json").write_text(json.dumps({"n_positions": 1024}))
    words = ("plan", *STUDENTS, f"{BASE}.path=gpt", f"{BASE}.context.positions=32768")
    assert "gpt has no rotary positions" in said(capsys, 2, *words)


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
        (  # Gemma 3 names the window that is stretched already, in either form
            {
                "text_config": {
                    "model_type": "gemma3_text",
                    "max_position_embeddings": 131072,
                    "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
                }
            },
            131072,
        ),
        (
            {
                "max_position_embeddings": 4096,
                "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e4},
            },
            16384,
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


def test_a_preset_of_real_sizes_is_refused_on_the_tiny_world_for_want_of_room(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = said(capsys, 2, "plan", "profile=small", "world=tiny", "recipe=r1_zero")
    assert "base sees 512 tokens in all" in text
    assert "stages.base.shape.max_position_embeddings=" in text


def test_what_only_stands_in_the_way_of_a_stage_that_is_not_run_is_no_reason() -> None:
    absent = {"base": [Problem("parallel.strategy", "not installed here", when_run=True)]}
    checks.refuse_to_run(absent, ["zero"])
    with pytest.raises(UsageError, match=r"stages\.base\.parallel\.strategy: not installed here"):
        checks.refuse_to_run(absent, ["base", "zero"])
