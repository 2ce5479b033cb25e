"""The check of a first GPU: it says that there is none, and its parts run on a CPU."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.gpu_check import parts
from benchmarks.gpu_check.__main__ import main


def test_without_a_gpu_nothing_is_run_and_that_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert main(["--folder", str(tmp_path / "check")]) == 0
    assert "No GPU is here" in capsys.readouterr().out
    assert not (tmp_path / "check").exists()


def test_its_parts_run_on_a_cpu_at_the_tiny_size_and_are_reported(tmp_path: Path) -> None:
    words = ["--device", "cpu", "--parts", "machine", "rl", "sft", "grpo", "memory"]
    assert main([*words, "--folder", str(tmp_path)]) == 0
    told = json.loads((tmp_path / "report.json").read_text())["parts"]
    found = {one["name"]: one for one in told}
    assert "torch" in found["machine"]["facts"]["versions"]
    assert found["rl"]["facts"]["largest_gap"] < 1e-4
    assert found["sft"]["facts"]["tokens_per_second"] > 0
    assert set(found["grpo"]["facts"]) == {"ours", "plain", "bare"}
    assert "GRPO beside plain TRL" in (tmp_path / "report.md").read_text()


def test_a_part_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    setting = parts.Setting(gpu=False, folder=tmp_path)
    with pytest.raises(parts.Failed, match="was not done within 0 s"):
        parts._process(["timeit", "-s", "import time", "time.sleep(9)"], "waits", setting, 0.3)


def test_a_part_that_fails_says_its_last_words(tmp_path: Path) -> None:
    setting = parts.Setting(gpu=False, folder=tmp_path)
    with pytest.raises(parts.Failed, match="no-such-verb"):
        parts._process(["stages", "no-such-verb"], "fails", setting, 60)
