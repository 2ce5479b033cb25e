"""Data of a user's own, as the recipe is composed: before anything is read or imported."""

from __future__ import annotations

import json

import pytest

from stages.project import main

OWN = "data@stages.reasoning_prompts=problems"
PATH = "stages.reasoning_prompts.path"


pytestmark = pytest.mark.usefixtures("own_folder")


def test_a_missing_file_is_told_by_a_plan_and_refused_by_a_run(tmp_path, capsys):
    command = ["until=reasoning_prompts", OWN, f"{PATH}=gone.jsonl"]
    assert main(["plan", *command]) == 0
    said = capsys.readouterr()
    warning = f"{PATH}: is gone.jsonl: there is no such file"
    assert warning in " ".join(said.out.split())
    assert main(["run", *command]) == 2
    assert warning in capsys.readouterr().err
    assert not (tmp_path / "outputs/runs").exists()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stages.preference_pairs.path=no/pairs.jsonl", "no/pairs.jsonl: there is no such file"),
        ("stages.reasoning_prompts.language=English", "`en` may be meant"),
        ("stages.sft_data.parts.math.languages=[English]", "`en` may be meant"),
    ],
)
def test_every_stage_looks_for_its_files_and_languages(tmp_path, capsys, override, message):
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps({"prompt": "1 + 1"}) + "\n")
    stage = override.split(".")[1]
    assert main(["run", f"until={stage}", OWN, f"{PATH}={file.name}", override]) == 2
    assert message in capsys.readouterr().err


def test_smoke_works_with_problems_of_ones_own(tmp_path, capsys):
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps({"prompt": "1 + 1"}) + "\n")
    assert main(["plan", "profile=smoke", "until=zero", OWN, f"{PATH}={file.name}"]) == 0
    assert "dataset" in capsys.readouterr().out
