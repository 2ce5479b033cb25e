"""A whole RL stage by an engine of another environment: a stand-in that speaks as verl does."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from pipeline.errors import StageFailed
from stages.engines import exports
from stages.kinds.rl import run as rl
from stages.kinds.rl.config import LengthSwitch, RewardTerm
from stages.settings.engine import Engine
from stages.settings.generation import Rollout
from stages.settings.health import HealthRule
from stages.training import common
from tests.training.conftest import speaking_problems

PLAIN = Path(__file__).with_name("plain_engine.py")
PATIENCE = 120.0  # seconds for an engine to start on a busy machine


def curves(context) -> list[dict[str, float]]:
    lines = (context.work / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def engines_of(pid: int) -> list[psutil.Process]:
    """The engines that a process has started."""
    children = psutil.Process(pid).children()
    return [
        c
        for c in children
        if {"plain_engine.py", "stand_in.py"} & {Path(w).name for w in c.cmdline()}
    ]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_a_stage_is_trained_in_segments_and_publishes_what_one_on_trl_does(
    elsewhere, speaking_inputs, make_context, tmp_path
):
    context = make_context()
    outputs = rl.run(elsewhere(), speaking_inputs, context)
    assert outputs.facts["engine"] == {"name": "verl", "segments": 2}
    assert outputs.facts["steps"] == 6
    assert outputs.facts["completions"] == 6 * 16
    assert outputs.funnel["kept"] == 10
    points = curves(context)
    assert [point["step"] for point in points] == [2, 4, 6]
    for point in points:
        assert point["samples_spent"] == 32
        form = point["reward/format"]  # what is out of form has no thought to score
        assert point["reward"] == pytest.approx(form + form * point["reward/language"])
    trl = make_context(tmp_path / "trl")
    local = elsewhere(engine=Engine(), rollout=Rollout(engine="transformers"), max_steps=2)
    rl.run(local, speaking_inputs, trl)
    names = [sorted(p.name for p in (c.output / "model").iterdir()) for c in (context, trl)]
    assert names[0] == names[1]
    mine, theirs = (weights(c.output / "model") for c in (context, trl))
    assert {k: (v.shape, v.dtype) for k, v in mine.items()} == {
        k: (v.shape, v.dtype) for k, v in theirs.items()
    }
    assert {"kl", "clip_ratio", "grad_norm", "loss", "length", "truncation", "learning_rate"} <= {
        *points[0]
    } & {*curves(trl)[0]}
    common.load_tokenizer(context.output / "model")
    AutoModelForCausalLM.from_pretrained(context.output / "model")
    # the reference of the second segment is the first one's export, not the start
    kept = context.work / "engine" / "exports"
    assert sorted(p.name for p in kept.iterdir()) == ["step_0", "step_6"]
    log = (context.work / "engine" / "engine.log").read_text()
    assert "global_step_2, row 0" in log  # the second segment reads its own rows from the first
    first = pq.read_table(context.work / "engine" / "rows-0.parquet").to_pylist()
    assert len(first) == 2 * 8
    assert {row["extra_info"]["prompt"] for row in first} == set(range(10))


@pytest.fixture
def inputs(tiny_model_dir, make_artifact):
    """What an RL stage takes whose engine learns nothing."""
    base = make_artifact("model", "base", model_dir=tiny_model_dir)
    return {
        "init_from": (base,),
        "data_from": (make_artifact("problems", rows=speaking_problems()),),
    }


def plain(elsewhere, tmp_path: Path, *words: str):
    """A config whose engine is a few lines of Python."""
    python = tmp_path / "plain-python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S {PLAIN} "$@"\n')
    python.chmod(0o755)
    config = elsewhere(*words)
    config.engine.python = str(python)
    return config


def test_a_stage_that_was_killed_goes_on_in_the_segment_that_it_was_in(
    elsewhere, inputs, make_context, tmp_path
):
    """The engine hangs in its second rollout; its stage is killed, and with it the engine."""
    config = plain(elsewhere, tmp_path, "do=walk")
    config.length_switches.append(LengthSwitch(4, 26))
    context = make_context()
    stage = get_context("fork").Process(target=rl.run, args=(config, inputs, context))
    stage.start()
    hung = context.work / "engine" / "checkpoints" / "hung"
    end = time.monotonic() + PATIENCE
    while not (hung.exists() and len(context.points()) == 1):
        assert stage.is_alive()
        assert time.monotonic() < end
        time.sleep(0.1)
    engines = engines_of(stage.pid)
    os.kill(stage.pid, signal.SIGKILL)
    stage.join()
    assert len(engines) == 1
    psutil.wait_procs(engines, timeout=5)
    assert not [e for e in engines if e.is_running() and e.status() != psutil.STATUS_ZOMBIE]

    again = make_context()
    outputs = rl.run(config, inputs, again)
    assert [point["step"] for point in curves(again)] == [2, 4, 6]
    assert [point["samples_spent"] for point in curves(again)] == [32, 32, 32]
    assert outputs.facts["completions"] == 6 * 16
    log = (context.work / "engine" / "engine.log").read_text()
    assert log.splitlines() == [
        "from 0 with step_0, rows anew",
        "from 1 with step_0, rows go on",
        "from 2 with step_4, rows anew",  # the first segment's export is the reference
    ]
    assert (again.output / "model" / "model.safetensors").exists()


def test_an_engine_that_dies_is_told_with_its_own_words(elsewhere, inputs, make_context, tmp_path):
    with pytest.raises(StageFailed) as told:
        rl.run(plain(elsewhere, tmp_path, "do=die"), inputs, make_context())
    words = str(told.value)
    assert words.startswith("verl (steps 0 to 4) ended with exit code 1.")
    assert "torch.OutOfMemoryError: CUDA out of memory" in words
    assert "engine.log" in words


def test_a_row_that_cannot_be_scored_is_named_where_the_engine_stops_for_it(
    elsewhere, inputs, make_context, tmp_path
):
    with pytest.raises(
        StageFailed, match=r"no reward for row 3 \(prompt 1000000\): ValueError: th"
    ):
        rl.run(plain(elsewhere, tmp_path, "do=row"), inputs, make_context())


def test_an_export_of_other_shapes_is_refused_and_nothing_is_published(
    elsewhere, inputs, make_context, tmp_path
):
    context = make_context()
    config = plain(elsewhere, tmp_path, "do=walk")
    (context.work / "engine" / "checkpoints").mkdir(parents=True)
    (context.work / "engine" / "checkpoints" / "hung").touch()
    walked = exports.send_out

    def narrow(source: Path, *more: object) -> None:
        """The engine is sent, and copies back, a model with a row of its embeddings less."""
        walked(source, *more)
        path = context.work / "engine" / "exports" / "step_0" / "model.safetensors"
        weights = load_file(path)
        name = next(name for name in weights if "embed_tokens" in name)
        weights[name] = weights[name][:-1].clone()
        path.unlink()
        save_file(weights, path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(exports, "send_out", narrow)
        with pytest.raises(StageFailed, match=r"embed_tokens\.weight is 379×64") as told:
            rl.run(config, inputs, context)
    assert "Nothing of it was published" in str(told.value)
    assert not (context.output / "model").exists()


def test_an_engine_that_leaves_early_or_without_its_export_publishes_nothing(
    elsewhere, inputs, make_context, tmp_path
):
    context = make_context()
    with pytest.raises(StageFailed, match="ended well after rollout 0 of 2"):
        rl.run(plain(elsewhere, tmp_path, "do=print"), inputs, context)
    with pytest.raises(StageFailed, match="has ended well and left no export at"):
        rl.run(plain(elsewhere, tmp_path, "do=forget"), inputs, context)
    assert not (context.output / "model").exists()


def test_a_rule_of_health_that_stops_ends_the_engine(elsewhere, inputs, make_context, tmp_path):
    config = plain(elsewhere, tmp_path, "do=explode")
    config.health.rules["drift"] = HealthRule(
        curve="kl", compare="above", limit=10.0, window=1, action="stop", message="It is far."
    )
    with pytest.raises(
        StageFailed, match=r"stopped at step 2 by stages\.stage\.health\.rules\.drift"
    ):
        rl.run(config, inputs, make_context())
    assert not engines_of(os.getpid())


def test_an_engine_without_its_program_is_refused_with_the_key(elsewhere, inputs, make_context):
    config = elsewhere(rewards={"format": RewardTerm(1.0)})
    config.engine.python = "/no/such/python"
    with pytest.raises(
        Exception, match=r"stages\.stage\.engine\.python: /no/such/python cannot be"
    ):
        rl.run(config, inputs, make_context())
