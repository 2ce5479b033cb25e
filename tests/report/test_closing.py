"""What the end of a run says of its models."""

import re
from pathlib import Path

import pytest

from pipeline.artifact import Artifact
from stages.report.closing import words
from stages.tiny.examples import EXAMPLES
from stages.tiny.problems import tasks

KINDS = {
    "base": {"kind": "pretrain", "init_from": None},
    "zero": {"kind": "rl", "init_from": "base"},
    "r1": {"kind": "rl", "init_from": "zero"},
    "longer": {"kind": "rl", "init_from": "r1"},
    "student": {"kind": "sft", "init_from": "base"},
    "eval_zero": {"kind": "evaluate", "evaluates": "zero"},
}
SHOWN = {"stages": ["base", "zero", "r1"], "students": [{"base": "base", "trained": ["student"]}]}
RECIPE = {"stages": KINDS, "claims": {"shown": SHOWN}}


def made(*stages: str, root: Path = Path("outputs/store")) -> dict[str, Artifact]:
    """Artifacts of these stages, in the store's layout."""
    return {
        name: Artifact(
            root / name / "f00", {"type": "evaluation" if name.startswith("eval") else "model"}
        )
        for name in stages
    }


def test_the_last_shown_model_and_the_students_are_named_with_their_folders() -> None:
    text = words(made("base", "zero", "r1", "longer", "student"), RECIPE)
    assert "    r1       outputs/store/r1/f00/model\n" in text
    assert "    student  outputs/store/student/f00/model\n" in text
    assert "r1 export r1 DIR" in text
    assert '    weights = "outputs/store/r1/f00/model"\n' in text
    assert max(map(len, text.splitlines())) <= 80
    assert "longer" not in text


@pytest.mark.parametrize("asked", [{"until": "zero"}, {"only": ["eval_zero"]}])
def test_who_asked_for_one_model_is_told_of_it(asked: dict[str, object]) -> None:
    text = words(made("base", "zero", "student", "eval_zero"), RECIPE | asked)
    assert "To ask zero" in text
    assert "student" not in text


def test_a_tiny_model_is_asked_what_it_knows_and_a_real_one_is_not() -> None:
    assert all(example in words(made("zero"), RECIPE) for example in EXAMPLES)
    real = {**RECIPE, "stages": KINDS | {"base": {"kind": "pretrained"}}}
    assert "tiny world" not in words(made("zero"), real)


def test_a_recipe_without_claims_shows_the_model_at_its_end() -> None:
    text = words(made("base", "zero"), {"stages": KINDS})
    assert "To ask zero" in text


def test_nothing_is_said_where_no_model_was_made() -> None:
    assert words(made("eval_zero"), RECIPE) == ""


def test_the_questions_that_people_are_offered_are_the_worlds_own() -> None:
    def form(question: str) -> str:
        """Without what differs between questions of one kind: numbers, who has them, of what."""
        return re.sub(r"^\w+ has N \w+", "Somebody has N things", re.sub(r"\d+", "N", question))

    streams = [tasks(domain, 0, "train") for domain in ("math", "code")]
    asked = {form(next(stream).question["en"]) for stream in streams for _ in range(3000)}
    assert {form(example) for example in EXAMPLES} <= asked
