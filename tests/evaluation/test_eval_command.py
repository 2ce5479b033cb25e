"""`r1 eval` through the real command line, on real rows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import R1, main
from pipeline.compose import compose
from pipeline.situation import survey

DATA = Path(__file__).parent.parent / "data"
SMALL = ["-k", "2", "--limit", "3", "stages.eval_base.sampling.max_tokens=40"]


@pytest.fixture
def root(tmp_path, monkeypatch, able_model_dir):
    """A store whose `base` is done: the model that has learnt four sums."""
    monkeypatch.setenv("R1_ROOT", str(tmp_path / "outputs"))
    situation = survey(R1, compose(R1, []))
    wanted = situation.wanted["base"]
    output = tmp_path / "base"
    shutil.copytree(able_model_dir, output / "model")
    facts = {"fingerprint": wanted.fingerprint, "identity": dict(wanted.identity)}
    situation.store.publish(
        output, {"stage": "base", "type": "model", "created": "2026", "facts": {}} | facts
    )
    return tmp_path / "outputs"


def evaluate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", "eval", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)


def test_a_checkpoint_is_judged_on_real_rows_and_a_score_of_nothing_is_printed(root):
    sets = [
        f"gsm8k:{DATA / 'gsm8k/test.jsonl'}",
        f"math500:path={DATA / 'math500/test.jsonl'}",
        f"mgsm_zh:{DATA / 'mgsm_zh/mgsm_zh.tsv'}",
    ]
    first = evaluate("base", *sets, *SMALL, "--json")
    assert first.returncode == 0, first.stderr
    results = json.loads(first.stdout)
    assert list(results) == ["gsm8k_test", "math500_test", "mgsm_zh_mgsm_zh"]
    for facts in results.values():
        assert (facts["model"], facts["problems"], facts["samples_per_problem"]) == ("base", 3, 2)
        assert 0 <= facts["overall"]["pass_at_1"]["value"] < 0.5
    kept = json.loads((root / "eval/base/mgsm_zh_mgsm_zh.json").read_text())
    assert kept == results["mgsm_zh_mgsm_zh"]

    again = evaluate("base", *sets, *SMALL)
    assert again.returncode == 0
    assert "nothing to do" in again.stderr
    lines = again.stdout.splitlines()
    assert lines[0].split()[:3] == ["benchmark", "pass@1", "cons@k"]
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["bass", "heldout"],
            "MODEL bass: neither a stage of the recipe nor a folder. Did you mean",
        ),
        (["base", "gsm9k"], "there is no `gsm9k` in `data`. Did you mean `gsm8k`"),
        (["heldout", "heldout"], "`heldout` makes problems, expected model"),
        (["base", "zero"], "`zero` makes model, expected problems"),
        (["zero", "heldout"], "Make them first: r1 run until="),
        (["base", "gsm8k:absent.jsonl"], "gsm8k:absent.jsonl: there is no such file"),
    ],
)
def test_a_wrong_request_is_answered_with_what_there_is(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.setenv("R1_ROOT", str(tmp_path))
    assert main(["eval", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_words_of_the_command_are_told_apart():
    from stages.eval_command import Benchmark, _is_override

    assert Benchmark.read("gsm8k") == Benchmark("gsm8k")
    assert Benchmark.read("gsm8k:path=a=b/test.jsonl") == Benchmark("gsm8k", "a=b/test.jsonl")
    assert Benchmark.read("gsm8k:my file.jsonl").overrides() == [
        "+data@stages.gsm8k_my_file=gsm8k",
        "stages.gsm8k_my_file.path='my file.jsonl'",
    ]
    assert _is_override("profile=one_gpu")
    assert _is_override("data@stages.heldout=gsm8k")
    assert not _is_override("gsm8k:path=test.jsonl")
