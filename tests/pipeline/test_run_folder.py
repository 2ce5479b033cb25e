"""Run folders: their names, their order, and whose report goes where."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from conftest import Toy

from pipeline.run_folder import RunFolder

CONFIG = {"seed": 0}


def test_a_report_goes_only_into_a_run_of_the_same_configuration(finished: Toy) -> None:
    other = finished.latest_run()
    before = (other / "report" / "facts.json").read_bytes()
    path = Path(finished.here("report", "stages.left.add=2").strip())
    assert path.parent.parent != other
    assert (path.parent.parent / "config.yaml").read_text().count("add: 2") == 1
    assert (other / "report" / "facts.json").read_bytes() == before
    assert Path(finished.here("report", "stages.left.add=2").strip()) == path
    assert Path(finished.here("report").strip()) == other / "report" / "report.md"


def test_the_newest_run_is_the_one_that_began_last_whatever_the_clock_says(tmp_path: Path) -> None:
    first = RunFolder.create(tmp_path, "r1", CONFIG)
    ahead = first.path.rename(tmp_path / "20990101-000000-r1")
    second = RunFolder.create(tmp_path, "r1", CONFIG)
    latest = RunFolder.latest(tmp_path, CONFIG)
    assert second.name < ahead.name
    assert latest is not None
    assert latest.path == second.path


def test_a_folder_without_a_readable_run_json_is_an_older_run(tmp_path: Path) -> None:
    for content in ("[]", "{", '{"number": "many"}'):
        (RunFolder.create(tmp_path, "r1", {"other": 1}).path / "run.json").write_text(content)
    ours = RunFolder.create(tmp_path, "r1", CONFIG)
    assert ours.number == 1
    assert RunFolder.latest(tmp_path, {"other": 1}) is not None


def test_a_run_of_many_models_has_a_name_that_a_folder_can_have(tmp_path: Path) -> None:
    for name in ("-".join(["Qwen/Qwen2.5-Math-1.5B-Instruct"] * 20), "数据" * 100, "mine/r1"):
        folder = RunFolder.create(tmp_path, name, CONFIG)
        assert folder.path.parent == tmp_path
        assert len(folder.name.encode()) < 160
        assert name.replace("/", "_").startswith(folder.name.partition("…")[0][16:])


def test_a_run_goes_on_when_its_folder_is_deleted(toy: Toy) -> None:
    process = toy.start("run", "stages.left.delay=0.5", "stages.right.delay=0.5")
    toy.wait_for("left-*.json")
    shutil.rmtree(toy.latest_run())
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 0, output
    facts = json.loads((toy.latest_run() / "run.json").read_text())
    assert {stage["state"] for stage in facts["stages"].values()} == {"done"}
    assert facts["number"] == 1
