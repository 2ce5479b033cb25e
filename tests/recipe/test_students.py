"""The paper's six students by name, and students of two families from a user's own file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.compose import compose
from stages.kinds.pretrained.kind import PretrainedConfig
from stages.kinds.sft.kind import SFTConfig
from stages.project import R1
from tests.recipe.conftest import r1

# DeepSeek-R1, arXiv 2501.12948v2, B.4.3, table 6.
RATES = {
    "qwen_1_5b": ("Qwen/Qwen2.5-Math-1.5B", 1e-4),
    "qwen_7b": ("Qwen/Qwen2.5-Math-7B", 8e-5),
    "qwen_14b": ("Qwen/Qwen2.5-14B", 7e-5),
    "qwen_32b": ("Qwen/Qwen2.5-32B", 6e-5),
    "llama_8b": ("meta-llama/Llama-3.1-8B", 5e-5),
    "llama_70b": ("meta-llama/Llama-3.3-70B-Instruct", 2e-5),
}


def test_each_student_has_the_papers_base_and_learning_rate() -> None:
    words = ["recipe=students", "profile=paper", "stages.rows.path=mine.jsonl"]
    stages = compose(R1, words).stages
    for name, (base, rate) in RATES.items():
        source, student = stages[f"student_{name}_base"], stages[f"student_{name}"]
        assert isinstance(source, PretrainedConfig)
        assert isinstance(student, SFTConfig)
        assert source.path == base
        optimizer = student.optimizer
        assert (optimizer.learning_rate, optimizer.schedule) == (rate, "cosine")
        assert optimizer.lr_final == pytest.approx(rate / 10)
        assert (student.batch_size, student.max_length) == (64, 32768)
        assert 2 <= student.epochs <= 3
        assert student.init_from == f"student_{name}_base"
        assert student.data_from == ["rows_clean"]


def test_a_users_rows_teach_students_of_two_families(tiny_model_dir: Path, tmp_path: Path) -> None:
    rows = [
        {"question": f"What is {a} + {b}?", "response": f"<think>{a}+{b}</think>It is {a + b}."}
        for a in range(6)
        for b in range(6)
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = r1(
        tmp_path,
        "run",
        "recipe=students",
        "tracking=none",
        f"stages.rows.path={path}",
        "data@stages.heldout=tiny_heldout",
        f"stages.student_qwen_1_5b_base.path={tiny_model_dir}",
        "model@stages.student_llama_8b_base=tiny_student_llama",  # it ships: nothing is trained
        "until=[student_qwen_1_5b,student_llama_8b]",
        "launcher.max_parallel=2",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for student, family in (("student_qwen_1_5b", "qwen2"), ("student_llama_8b", "llama")):
        (manifest,) = (tmp_path / "store" / student).glob("*/manifest.json")
        assert json.loads(manifest.read_text())["funnel"]["rows"] == len(rows)
        config = json.loads((manifest.parent / "model" / "config.json").read_text())
        assert config["model_type"] == family
