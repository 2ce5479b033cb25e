"""`make drill`: a run that was broken on purpose is told apart from one that was not."""

from __future__ import annotations

import json
from random import Random

import pytest

from benchmarks.drill.__main__ import main
from benchmarks.drill.events import Event, Reference
from benchmarks.drill.scene import TOY, Scene


def test_a_killed_toy_comes_through_and_the_event_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--recipe", "toy", "--only", "killed", "--events", "1", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["recipe"], told["kind"], told["found"]) == ("toy", "killed", [])
    assert "SIG" in told["did"][0]


def test_another_result_what_was_made_again_and_what_is_left_are_found(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    scene = Scene(tmp_path_factory.mktemp("scene"), TOY)
    assert scene.run().code == 0
    results = scene.results()
    reference = Reference(scene, {**results, "left": {"numbers.json": "another"}}, 1.0)
    event = Event(scene, reference, Random(0))
    (scene.temporary / "left").touch()
    next(scene.store.glob("both/*/manifest.json")).write_text("null")
    event.close()
    found = dict(event.found)
    assert found["unequal"].startswith("left: ")
    assert found["leaked"] == "tmp/left"
