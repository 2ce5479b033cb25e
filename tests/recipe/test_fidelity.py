"""`r1 plan --departures` tells all: what is not the paper's, what it lacks, what is read how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.compose import compose
from pipeline.errors import UsageError
from stages.commands.fidelity.paper import Fidelity
from stages.project import R1, main

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ("r1", "r1_zero", "distill", "distill_on_policy")


@pytest.mark.parametrize("world", ["tiny", "open"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_number_of_the_paper_preset_has_a_section_or_a_reason(
    recipe: str, world: str
) -> None:
    words = ["profile=paper", f"recipe={recipe}", f"world={world}"]
    found = Fidelity.of(compose(R1, words), R1.kinds())
    assert [(own.stages, own.key) for own in found.ours if own.reason is None] == []


def test_a_number_without_a_section_is_told_with_its_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plan", "--departures", "--json", "recipe=r1_zero", "profile=paper"]) == 0
    said = json.loads(capsys.readouterr().out)
    ours = {own["key"]: own for own in said["ours"]}
    assert ours["max_prompt_tokens"]["values"] == {"max_prompt_tokens": 2048}
    assert "420 tokens" in ours["max_prompt_tokens"]["reason"]
    assert not {"kl_coefficient", "optimizer.learning_rate"} & set(ours)  # of 2.1


def test_what_the_paper_has_and_this_lacks_is_told_beside_versions_and_readings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plan", "--departures", "profile=small"]) == 0
    shown = capsys.readouterr().out
    for title in (
        "The paper has, and this project lacks",
        "Read in one of two ways",
        "Versions of the paper differ",
        "Ours, where the paper gives nothing",
    ):
        assert f"\n{title} (" in shown
    assert "5,151 problems of Codeforces" in shown
    assert "SFT epochs: v1 2; v2 2-3" in shown


def test_the_page_in_docs_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--departures", "--markdown", "profile=small"]) == 0
    page = (ROOT / "docs/fidelity.md").read_text()
    assert page == capsys.readouterr().out, "`make fidelity` writes it anew"


def test_an_entry_with_a_wrong_key_is_named() -> None:
    composed = compose(R1, ["profile=paper", "recipe=r1_zero", "+fidelity.lacks.0.sorce=x"])
    with pytest.raises(UsageError, match=r"fidelity\.lacks: entry 1: .*its keys are what, source"):
        Fidelity.of(composed, R1.kinds())
