"""A stage that needs none of the heavy imports does not wait for them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Toy

from stages.registry import PRELOAD, REGISTRY

EXTRA = "+stages.extra={kind: work, data_from: [numbers], add: 1}"


def test_a_light_stage_is_done_while_the_heavy_modules_are_imported(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy("run", "recipe=short", "until=numbers")
    monkeypatch.setenv("TOY_SLOW", "1")
    runner = toy.start("run", "recipe=short", EXTRA, "launcher.max_parallel=1")
    try:
        deadline = time.monotonic() + 120
        while not list(toy.store.glob("both/*/manifest.json")):
            assert time.monotonic() < deadline
            assert runner.poll() is None
            time.sleep(0.02)
        runner.send_signal(signal.SIGINT)
        output, _ = runner.communicate(timeout=120)
    finally:
        runner.kill()
    assert runner.returncode == 130, output
    assert not list(toy.store.glob("extra/*/manifest.json"))


def test_a_run_of_light_stages_alone_imports_nothing_heavy(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy("run", "recipe=short", "until=numbers")
    monkeypatch.setenv("TOY_SLOW", "1")
    assert "2 of 2 stages done" in toy("run", "recipe=short")


SAID = """
import sys, time
from pathlib import Path
from multiprocessing.util import get_temp_dir
from pipeline.launchers.local import LocalLauncher
from pipeline.launchers.server import IMPORTED
launcher = LocalLauncher(["decimal"], Path(sys.argv[1]), print)
said, deadline = Path(get_temp_dir()) / IMPORTED, time.monotonic() + 120
while not said.exists():
    assert time.monotonic() < deadline
    time.sleep(0.02)
"""


def test_the_server_says_when_it_has_imported_so_that_light_stages_are_forked_too(
    tmp_path: Path,
) -> None:
    found = subprocess.run(
        [sys.executable, "-c", SAID, str(tmp_path / "log")],
        capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr


def test_the_kinds_that_are_light_import_no_torch() -> None:
    modules = {kind.entry.partition(":")[0] for kind in REGISTRY.values() if kind.light}
    heavy = [name for name in PRELOAD if not name.startswith(("stages.", "datasets"))]
    code = f"import sys, {', '.join(sorted(modules))}; print(set({heavy}) & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert found.stdout.strip() == "set()", found.stderr
