"""`r1 hardware`: a file measured from what was run here, for `r1 plan --cost`."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.recipe.conftest import PROFILE, r1

WORDS = (PROFILE, "tracking=none", "until=[heldout,validation]")


def test_what_a_machine_showed_is_kept_as_its_hardware_file(tmp_path: Path) -> None:
    nothing = r1(tmp_path, "hardware", *WORDS)
    assert nothing.returncode == 2
    assert "no finished stage in" in nothing.stderr
    assert r1(tmp_path, "run", *WORDS).returncode == 0
    printed = r1(tmp_path, "hardware", "--name", "mine", *WORDS)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith("# Measured by `r1 hardware` on 20")
    assert ", from 2 problems." in printed.stdout.splitlines()[0]
    assert yaml.safe_load(printed.stdout)["efficiencies"]["light_seconds"] >= 0
    path = tmp_path / "mine.yaml"
    path.write_text(printed.stdout)
    planned = r1(tmp_path, "plan", "--cost", "--json", f"hardware.file={path}", *WORDS, "seed=7")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["hardware"]["name"] == "mine"
    report = next((tmp_path / "runs").glob("2*/report/facts.json"))
    seconds = json.loads(report.read_text())["cost"]["stages"]["heldout"]["seconds"]
    assert seconds["actual"] > 0
    assert seconds["foreseen"] > 0
