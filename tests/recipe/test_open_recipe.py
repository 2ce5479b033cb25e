"""The whole recipe on public data: `world=open` at its smallest, from a hub on loopback."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.compose import Composed, compose
from stages.project import R1
from tests.hub.conftest import Loopback
from tests.open_world.problems import SLIPS
from tests.open_world.sets import fill
from tests.recipe.conftest import PROFILE, ROOT, command

WORDS = (
    PROFILE, "world=open",
    # The tiny world's models, which train in seconds; the data is all public sets'.
    *(f"model@stages.{name}=tiny/{name}"
      for name in ("base", "base_weak", "student_qwen_base", "student_llama_base", "writer")),
    "stages.cold_start_data.rewriter=null",  # no model this small can rewrite
    # … or is right on public questions, but by luck
    "stages.reasoning_data.filters=[never_ends_thinking,truncated,mixed_language,duplicate]",
    "size.prompt=256",  # public questions are longer than those of the tiny world
    "hub.told_below=0", "hub.refused_below=0",  # 30 rows of each set are no loss of the others
    "tracking=none",
)  # fmt: skip
#: In the order of the graph. Each names its files, so that nothing has to be found out.
SOURCES = ("cmb_choice", "safety_guard_prompts", "coig", "zhihu_rlhf")


@functools.cache
def composed() -> Composed:
    return compose(R1, list(WORDS))


class World:
    """A folder of results, and a hub that serves every set of the open world."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.server = Loopback()
        fill(self.server.hub, composed().stages.values())
        self.environment = {
            **os.environ, "R1_ROOT": str(root / "results"), "HF_HOME": str(root / "hf"),
            "HF_ENDPOINT": f"http://127.0.0.1:{self.server.port}", "HF_HUB_OFFLINE": "0",
            "NO_PROXY": "127.0.0.1",
        }  # fmt: skip

    def start(self, *words: str) -> subprocess.Popen[str]:
        out = subprocess.PIPE
        return subprocess.Popen(
            command(*words), cwd=ROOT, env=self.environment, stdout=out, stderr=out, text=True
        )

    def r1(self, *words: str) -> tuple[int, str]:
        """The exit code of `r1 WORDS`, and all that it said."""
        done = self.start(*words)
        said = "".join(done.communicate())
        return done.returncode, said

    def manifest(self, stage: str) -> dict[str, Any]:
        (path,) = (self.root / "results/store" / stage).glob("*/manifest.json")
        return dict(json.loads(path.read_text()))

    def rows(self, stage: str, name: str = "rows") -> list[dict[str, Any]]:
        (path,) = (self.root / "results/store" / stage).glob(f"*/{name}.parquet")
        return list(pq.read_table(path).to_pylist())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """After a run of every stage."""
    made = World(tmp_path_factory.mktemp("open"))
    code, said = made.r1("run", *WORDS)
    assert code == 0, said
    yield made
    made.server.stop()


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Where nothing ran yet."""
    made = World(tmp_path_factory.mktemp("away"))
    yield made
    made.server.stop()


def test_every_stage_is_done_and_the_report_is_written(world: World) -> None:
    rows = json.loads(world.r1("status", "--json", *WORDS)[1])["stages"]
    assert {row["stage"]: row["state"] for row in rows if row["state"] != "done"} == {}
    text = (world.root / "results/runs/latest/report/report.md").read_text()
    assert "| base | zero | dev1 | dev2 | dev3 | r1 |" in text


def test_each_benchmark_is_asked_and_told_by_itself(world: World) -> None:
    names = composed().root["slots"]["heldout"]
    facts = world.manifest("eval_r1")["facts"]
    assert set(facts["by_benchmark"]) == set(names)  # though only 20 problems are asked
    text = (world.root / "results/runs/latest/report/report.md").read_text()
    assert [name for name in names if f"| — on {name} |" not in text] == []


def test_a_second_run_has_nothing_to_do_and_asks_the_hub_nothing(world: World) -> None:
    world.server.hub.asked.clear()
    code, said = world.r1("run", *WORDS)
    assert (code, world.server.hub.asked) == (0, [])
    assert "nothing to do" in said


def test_a_wrong_reference_is_dropped_and_counted_by_its_source(world: World) -> None:
    sources = world.manifest("reasoning_proved")["facts"]["sources"]
    refused = {name.split("/")[0]: one["refused"] for name, one in sources.items()}
    assert {name for name, count in refused.items() if count} == set(SLIPS)
    dropped = {row["input"] for row in world.rows("reasoning_proved", "dropped")}
    assert dropped == {*SLIPS, "nemotron_mcqa"}  # of which two rows are never solved


def test_what_is_repeated_or_evaluated_is_gone_before_rows_are_capped(world: World) -> None:
    manifest = world.manifest("reasoning_clean")
    funnel, parts = manifest["funnel"], manifest["facts"]["parts"]
    assert (funnel["exact_duplicate"], funnel["contaminated/math500"]) == (1, 1)
    assert list(funnel)[-2:] == ["over_cap", "kept"]
    assert parts["math"]["available"] == 27  # of 30: a wrong one, a repeated one, a benchmark's
    assert funnel["kept"] == sum(part["rows"] for part in parts.values()) <= 80
    for slot in ("general_clean", "human_cot_clean", "general_rows_clean", "preference_pairs_clean",
                 "safety_labels_clean"):  # fmt: skip
        assert world.manifest(slot)["funnel"]["contaminated/math500"] == 1, slot


def test_all_that_is_learnt_comes_from_public_sets(world: World) -> None:
    for stage in ("reasoning_clean", "general_clean", "cold_start_data", "sft_data",
                  "preference_pairs_clean", "safety_labels_clean"):  # fmt: skip
        sources = {row["source"] for row in world.rows(stage)}
        assert sources
        assert "tiny" not in sources


def test_the_card_of_a_model_has_the_licence_and_the_commit_of_each_set(world: World) -> None:
    folder = world.root / "exported"
    code, said = world.r1("export", "r1", str(folder), *WORDS)
    assert code == 0, said
    card = (folder / "README.md").read_text()
    commit = world.server.hub.repos["nvidia/HelpSteer3"].at(None)
    assert f"preference_dataset: nvidia/HelpSteer3 at {commit} | CC-BY-4.0 |" in card


def test_the_plan_lists_each_set_with_its_licence(world: World) -> None:
    slots = json.loads(world.r1("plan", "--data", "--json", *WORDS)[1])
    licences = {one["stage"]: one["about"]["licence"] for own in slots.values() for one in own}
    assert licences["nemotron_code"] == "CC-BY-SA-4.0"
    hub = {config.path for config in composed().stages.values()
           if getattr(config, "about", None)}  # fmt: skip
    assert hub == set(world.server.hub.repos)


def test_a_hub_that_goes_away_is_told_with_stage_and_set_and_nothing_is_fetched_twice(
    away: World,
) -> None:
    words = ("run", f"until=[{','.join(SOURCES)}]", "launcher.max_parallel=1", *WORDS)
    words = (*words, "hub.retries=1", "hub.pause=0.01")
    running = away.start(*words)
    while not list((away.root / "results/store").glob("safety_guard_prompts/*/manifest.json")):
        assert running.poll() is None
        time.sleep(0.01)
    away.server.stop()
    said = "".join(running.communicate())
    assert running.returncode != 0
    assert "coig: FAILED" in said
    assert "stages.coig.path=BAAI/COIG: " in said
    away.server.start()
    away.server.hub.asked.clear()
    code, said = away.r1(*words)
    assert code == 0, said
    asked = "\n".join(away.server.hub.asked)
    assert "BAAI/COIG" in asked
    assert "FreedomIntelligence/CMB" not in asked
    assert "Nemotron-Safety-Guard" not in asked
