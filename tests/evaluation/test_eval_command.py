"""`r1 eval` through the real command line, on real rows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.situation import survey
from stages.commands.eval.command import _parse
from stages.commands.eval.request import read_request
from stages.project import R1, main

DATA = Path(__file__).parent.parent / "data"
SHORT = "stages.eval_base.sampling.max_tokens=40"
ZERO = "recipe=r1_zero"  # has all that an evaluation takes, and is composed sooner
SMALL = [ZERO, "-k", "2", "--limit", "3", SHORT]


@pytest.fixture
def root(own_folder, able_model_dir):
    """A store whose `base` is done: the model that has learnt four sums."""
    situation = survey(R1, compose(R1, [ZERO]))
    wanted = situation.wanted["base"]
    output = own_folder / "base"
    shutil.copytree(able_model_dir, output / "model")
    facts = {"fingerprint": wanted.fingerprint, "identity": dict(wanted.identity)}
    situation.store.publish(
        output, {"stage": "base", "type": "model", "created": "2026", "facts": {}} | facts
    )
    return own_folder / "outputs"


def evaluate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stages", "eval", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)


def found(*arguments: str) -> dict:
    done = evaluate(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_checkpoint_is_judged_on_real_rows_and_a_score_of_nothing_is_printed(root):
    sets = [
        f"gsm8k:{DATA / 'gsm8k/test.jsonl'}",
        f"math500:path={DATA / 'math500/test.jsonl'}",
        f"mgsm_zh:{DATA / 'mgsm_zh/mgsm_zh.tsv'}",
    ]
    results = found("base", *sets, *SMALL)["evaluations"]
    assert list(results) == ["gsm8k_test", "math500_test", "mgsm_zh_mgsm_zh"]
    for by_model in results.values():
        facts = by_model["base"]
        assert (facts["model"], facts["problems"], facts["samples_per_problem"]) == ("base", 3, 2)
        assert facts["samples"] == {"in_all": 6, "drawn": 6, "reused": 0}
        assert 0 <= facts["overall"]["pass_at_1"]["value"] < 0.5
    kept = json.loads((root / "eval/base/mgsm_zh_mgsm_zh.json").read_text())
    assert kept == results["mgsm_zh_mgsm_zh"]["base"]

    again = evaluate("base", *sets, *SMALL)
    assert again.returncode == 0
    assert "nothing to do" in again.stderr
    lines = again.stdout.splitlines()
    assert lines[0].split()[:3] == ["benchmark", "model", "pass@1"]
    assert len(lines) == 4
    assert all(line.split()[-2:] == ["0", "6"] for line in lines[1:])  # drawn, reused


def test_models_are_compared_on_the_same_problems_and_their_samples_are_reused(
    root, tiny_model_dir
):
    asked = ["heldout", "--limit", "12", SHORT, ZERO]
    results = found("base", str(tiny_model_dir), *asked, "-k", "2")
    ours, theirs = results["evaluations"]["heldout"].values()
    ((other, metrics),) = results["differences"]["heldout"].items()
    assert other == theirs["model"]
    expected = theirs["overall"]["pass_at_1"]["value"] - ours["overall"]["pass_at_1"]["value"]
    assert metrics["pass_at_1"]["difference"] == pytest.approx(expected)
    assert metrics["pass_at_1"]["n"] == 12
    assert metrics["length"]["low"] <= metrics["length"]["difference"] <= metrics["length"]["high"]

    more = found("base", *asked, "-k", "4")
    assert more["evaluations"]["heldout"]["base"]["samples"] == {
        "in_all": 48,
        "drawn": 24,
        "reused": 24,
    }
    assert more["differences"] == {}


def test_another_engine_for_an_evaluation_makes_no_model_again():
    words = ["zero", "heldout", ZERO, "rollout=vllm", "rollout.dtype=float32"]
    request = read_request(R1, _parse(words))
    (name,) = request.evaluations.values()
    rollout = request.composed.stages[name].rollout
    assert (rollout.engine, rollout.dtype) == ("vllm", "float32")
    plain = read_request(R1, _parse(words[:3]))
    wanted = [survey(R1, one.composed).wanted for one in (request, plain)]
    assert wanted[0]["zero"].fingerprint == wanted[1]["zero"].fingerprint
    assert wanted[0][name].fingerprint != wanted[1][name].fingerprint


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bass", "heldout"], "bass: neither a MODEL (a stage of the recipe, a folder, or a hub"),
        (["bass", "heldout"], "nor a BENCHMARK. Did you mean `base`"),
        (["base", "gsm9k"], "nor a BENCHMARK. Did you mean `gsm8k`"),
        (["heldout", "heldout"], "name at least one MODEL before the benchmarks"),
        (["base", "zero"], "name at least one BENCHMARK, e.g. heldout or gsm8k:test.jsonl"),
        (["base", "dev1", "human_cot"], "`human_cot` makes conversations, expected a model"),
        (["base", "long_cot:README.md"], "makes conversations, expected problems"),
        (["zero", "heldout"], "Make them first: r1 run until="),
        (["a@http://me:pass@host/v1", "heldout"], "MODEL a@URL: a user, a password or a query in"),
        (["base", "gsm8k:absent.jsonl"], "gsm8k:absent.jsonl: there is no such file"),
        (["./absent", "heldout"], "MODEL ./absent: there is no such folder (looked from"),
        (["base", "README.md"], "README.md: is a file. Say how it is read, e.g. gsm8k:README.md"),
        (["base", "heldout", "--profile", "smoke"], "without dashes: `profile=smoke`"),
        (["base", "heldout", "stages.absent.limit=3"], "stages.absent.limit: unknown key"),
    ],
)
def test_a_wrong_request_is_answered_with_what_there_is(own_folder, capsys, arguments, message):
    (own_folder / "README.md").touch()
    assert main(["eval", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_models_and_benchmarks_are_told_apart_whatever_lies_in_the_folder(tmp_path, monkeypatch):
    from stages.commands.eval.words import Benchmark, sort_words

    for name in ("gsm8k", "base", "mine"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    stages = compose(R1, []).stages
    words = ["base", "math500", "./gsm8k", "org/name", "gsm8k", "mine", "base", "gsm8k:a.jsonl"]
    models, benchmarks = sort_words(words, stages, R1)
    assert models == ["base", "./gsm8k", "org/name", "mine"]
    assert benchmarks == [
        Benchmark("math500"),
        Benchmark("gsm8k"),
        Benchmark("gsm8k", "a.jsonl"),
    ]
    with pytest.raises(UsageError, match="name at least one MODEL"):
        sort_words(["gsm8k", "heldout"], stages, R1)


def test_the_words_of_the_command_are_told_apart():
    from stages.commands.eval.words import Benchmark, is_override

    assert Benchmark.read("gsm8k") == Benchmark("gsm8k")
    assert Benchmark.read("gsm8k:path=a=b/test.jsonl") == Benchmark("gsm8k", "a=b/test.jsonl")
    assert Benchmark.read("gsm8k:my file.jsonl").overrides() == [
        "+data@stages.gsm8k_my_file=gsm8k",
        "stages.gsm8k_my_file.path='my file.jsonl'",
    ]
    assert is_override("profile=one_gpu")
    assert is_override("data@stages.heldout=gsm8k")
    assert not is_override("gsm8k:path=test.jsonl")
    assert not is_override("./d=1/step=10")
    assert not is_override("/models/d=1")


def test_any_folder_and_file_has_a_name_as_a_stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d=1/step=10").mkdir(parents=True)
    for file in ("数据.jsonl", "数字.jsonl", "a" * 200 + ".jsonl"):
        Path(file).touch()
    words = ["./d=1/step=10", "gsm8k:数据.jsonl", "gsm8k:数字.jsonl", f"gsm8k:{'a' * 200}.jsonl"]
    request = read_request(R1, _parse(words))
    assert request.models == ["step_10"]
    assert request.composed.stages["step_10"].path == "d=1/step=10"
    assert len(set(request.benchmarks)) == 3
    for stage in (*request.benchmarks, *request.evaluations.values()):
        assert stage.isascii()
        assert len(stage) < 150


def asked(*words: str) -> dict:
    """benchmark → its EvaluateConfig, as the command would run it."""
    request = read_request(R1, _parse(["base", ZERO, *words]))
    stages = request.composed.stages
    return {benchmark: stages[name] for (_, benchmark), name in request.evaluations.items()}


def test_the_paper_samples_each_benchmark_as_often_as_it_says():
    paper = asked("aime2024", "math500", "gsm8k", "--paper")
    assert {name: config.samples_of for name, config in paper.items()} == {
        "aime2024": [64],
        "math500": [16],
        "gsm8k": [],  # the paper names no number
    }
    assert paper["gsm8k"].samples_per_problem == 16
    sampling = paper["aime2024"].sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (0.6, 0.95, 32768)
    assert paper["aime2024"].pass_at == [1, 16, 64]
    assert asked("aime2024", "profile=paper")["aime2024"].samples_of == [64]
    few = asked("aime2024", "--paper", "-k", "4")["aime2024"]
    assert (few.samples_of, few.samples_per_problem) == ([], 4)
    tiny = asked("aime2024")["aime2024"]
    assert (tiny.samples_per_problem, tiny.pass_at) == (2, [1, 8])  # as eval_base


def test_the_paper_asks_each_benchmark_by_its_kind_and_a_base_by_a_text():
    paper = asked("aime2024", "--paper")["aime2024"]
    assert set(paper.prompts) == {"math", "choice", "code"}
    assert paper.template is None
    assert asked("aime2024")["aime2024"].prompts is None  # the tiny world's own way
    base = asked("aime2024", "profile=paper")["aime2024"]
    assert "{question}" in base.template.text["en"]


def test_the_text_of_a_base_is_for_that_base_alone():
    words = ["base", "zero", "heldout", "profile=paper", ZERO]
    request = read_request(R1, _parse(words))
    by_model = {
        model: request.composed.stages[name].template
        for (model, _), name in request.evaluations.items()
    }
    assert by_model["base"] is not None
    assert by_model["zero"] is None  # it has the text from its training


def test_what_a_word_adds_can_be_overridden():
    request = read_request(R1, _parse(["base", "gsm8k", ZERO, "stages.gsm8k.split=train"]))
    assert request.composed.stages["gsm8k"].split == "train"


def test_a_failed_evaluation_names_its_own_command_as_the_way_to_go_on(root, tmp_path):
    rows = tmp_path / "mine.jsonl"
    rows.write_text('{"prompt": "1+1?", "reference": "2", "verifier": "no_such", "domain": "math"}')
    words = ["base", f"problems:{rows}", "-k", "2", ZERO]
    failed = evaluate(*words)
    assert failed.returncode == 1, failed.stderr
    assert f"to retry: r1 eval {' '.join(words)}\n" in failed.stderr
    assert "r1 run" not in failed.stderr
    kept = json.loads(next((root / "eval/runs").glob("2*/run.json")).read_text())
    assert kept["command"] == f"r1 eval {' '.join(words)}"


SUMS = f"gsm8k:{DATA / 'gsm8k/test.jsonl'}"


def test_of_several_seeds_each_is_asked_for_as_it_is_alone(own_folder):
    """A model that is trained, and one that all seeds share, of which other samples are drawn."""

    def asked(*words: str):
        request = read_request(R1, _parse(["zero", "base", SUMS, ZERO, *words]))
        return request, survey(R1, request.composed).wanted

    together, wanted = asked("seeds=[0,1]")
    for seed in (0, 1):
        alone, own = asked(f"seed={seed}")
        for (model, benchmark), stage in alone.evaluations.items():
            name = together.stage(model, benchmark, seed)
            assert wanted[name].fingerprint == own[stage].fingerprint
    assert together.stage("base", "gsm8k_test", 1) == "base_on_gsm8k_test@1"


def test_one_seed_of_several_cannot_be_named(own_folder):
    with pytest.raises(UsageError, match="MODEL zero@1: name zero; every seed of it is evaluated"):
        read_request(R1, _parse(["zero@1", SUMS, ZERO, "seeds=[0,1]"]))


def test_the_seeds_of_an_evaluation_stand_beside_each_other_and_the_whole(root):
    done = evaluate("base", SUMS, *SMALL, "seeds=[0,1]")
    assert done.returncode == 0, done.stderr
    rows = [line.split()[:5] for line in done.stdout.splitlines()]
    assert ["gsm8k_test", "base,", "seed", "0"] in [row[:4] for row in rows]
    assert ["gsm8k_test", "base,", "seed", "1"] in [row[:4] for row in rows]
    assert ["gsm8k_test", "base,", "all", "seeds"] in [row[:4] for row in rows]
    facts = found("base", SUMS, *SMALL, "seeds=[0,1]")["evaluations"]["gsm8k_test"]["base"]
    lengths = [facts["by_seed"][seed]["overall"]["length"]["value"] for seed in "01"]
    assert facts["overall"]["length"]["value"] == pytest.approx(sum(lengths) / 2)
    assert facts["samples"]["in_all"] == 12
