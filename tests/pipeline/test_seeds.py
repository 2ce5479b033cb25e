"""A recipe for several seeds is one graph, whose results are those of a run for each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import TOY, Toy

from pipeline import seeds
from pipeline.compose import compose
from pipeline.situation import survey

SHARED = "stages.numbers.seed=0"  # the numbers come from elsewhere: no seed changes them


def fingerprints(folder: Path, *overrides: str) -> dict[str, str]:
    words = [f"paths.root={folder}", *overrides]
    return {name: w.fingerprint for name, w in survey(TOY, compose(TOY, words)).wanted.items()}


def test_each_seed_asks_for_the_results_that_it_asks_for_alone(tmp_path: Path) -> None:
    together = fingerprints(tmp_path, "seeds=[0,1,2]")
    for seed in (0, 1, 2):
        for name, alone in fingerprints(tmp_path, f"seed={seed}").items():
            assert together[seeds.of_seed(name, seed, together)] == alone


def test_what_no_seed_changes_is_there_once(tmp_path: Path) -> None:
    assert list(fingerprints(tmp_path, "seeds=[3,1]", SHARED)) == [
        *("numbers", "left", "right", "both"),
        *("left@1", "right@1", "both@1"),
    ]


def test_what_takes_from_a_stage_that_a_seed_changes_is_changed_too(tmp_path: Path) -> None:
    fixed = ["stages.left.seed=0", "stages.right.seed=0", "stages.both.seed=0"]
    found = fingerprints(tmp_path, "seeds=[0,1]", *fixed)
    assert {"numbers@1", "left@1", "both@1"} < set(found)
    assert found["both@1"] != found["both"]


def test_a_run_for_several_seeds_leaves_nothing_to_do_for_each(toy: Toy) -> None:
    """And the results say what those of one seed say: names without the seed."""
    toy("run", "seeds=[0,1]", SHARED)
    assert "nothing to do" in toy("run", "seed=1", SHARED)
    assert "nothing to do" in toy("run", SHARED)
    (of_0, of_1) = sorted(toy.manifests("left"), key=lambda manifest: manifest["seed"])
    assert of_1["config"] == of_0["config"] | {"seed": 1}
    assert of_1["inputs"] == of_0["inputs"]
    both = {m["seed"]: [i["stage"] for i in m["inputs"]] for m in toy.manifests("both")}
    assert both == {0: ["left", "right"], 1: ["left", "right"]}


def test_results_of_one_seed_are_taken_as_they_are(toy: Toy) -> None:
    toy("run", "seed=1", SHARED)
    rows = toy.rows("seeds=[0,1]", SHARED)
    done = {row["stage"] for row in rows if row["state"] == "done"}
    assert done == {"numbers", "left@1", "right@1", "both@1"}


def test_until_means_a_stage_of_every_seed_and_may_name_one(toy: Toy) -> None:
    def planned(until: str) -> list[str]:
        said = json.loads(toy.here("plan", "--json", "seeds=[0,1]", SHARED, f"until={until}"))
        return [row["stage"] for row in said["stages"]]

    assert planned("left") == ["numbers", "left", "left@1"]
    assert planned("left@1") == ["numbers", "left@1"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seeds=3"], "seeds: found 3, expected different whole numbers from 0 on"),
        (["seeds=[]"], "seeds: found [], expected"),
        (["seeds=[1,1]"], "seeds: found [1, 1], expected different"),
        (["seeds=[0,one]"], "seeds: found [0, 'one'], expected"),
        (["seeds=[0,1]", "seed=2"], "seed= and seeds= exclude each other"),
        (["seeds=[0,1]", "until=left@7"], "until=left@7: no such stage"),
    ],
)
def test_seeds_that_cannot_be_meant_are_refused(toy: Toy, words: list[str], message: str) -> None:
    assert message in toy.here("plan", *words, expect=2)


def test_gc_knows_the_results_of_every_seed(toy: Toy) -> None:
    toy("run", "seeds=[0,1]", SHARED)
    assert "0 folders" in toy.here("gc", "--others", "seeds=[0,1]", SHARED)


def test_why_follows_what_changed_through_the_stages_of_a_seed(toy: Toy) -> None:
    toy("run", "seed=1", SHARED)
    said = toy.here("why", "both@1", "seeds=[0,1]", SHARED, "stages.left.add=2")
    assert "left@1: " in said
    assert "add: 1 → 2" in said
    assert "data_from" not in said
