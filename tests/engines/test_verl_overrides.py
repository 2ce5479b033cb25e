"""The recipe's numbers as overrides of verl 0.9.1, held against verl's own configuration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir

from pipeline import checks
from pipeline.compose import compose
from pipeline.errors import UsageError
from pipeline.graph import build
from stages.engines import trainable
from stages.engines.engine import Places
from stages.engines.refused import REFUSED
from stages.engines.segments import Segment, segments_of
from stages.engines.verl import CURVES, Verl, settings
from stages.project import R1

DATA = Path(__file__).parent.parent / "data" / "verl"
PAGE = Path(__file__).parent.parent.parent / "docs" / "engines.md"
PLACES = Places(
    Path("/disk/it's here"), Path("/w/rows.parquet"), Path("/w/checkpoints"),
    Path("/w/reward_client.py"), Path("/w/curves.jsonl"), 0,
)  # fmt: skip
WORDS = ("profile=paper", "engine=verl", "rollout=vllm", "engine.python=/opt/verl/bin/python")
ZERO = ("recipe=r1_zero", *WORDS, "stages.zero.validation.every=0")


def stage(name: str, *words: str) -> Any:
    """A stage's config, if nothing stands against the recipe."""
    composed = compose(R1, words)
    found = build(composed.stages, R1.kinds(), composed.root)
    checks.refuse(checks.problems(found))
    return composed.stages[name]


def by_verl(config: Any, segment: Segment) -> Any:
    """The configuration that verl would train with."""
    command = Verl().command(config, segment, PLACES)
    assert command[:3] == ["/opt/verl/bin/python", "-m", "verl.trainer.main_ppo"]
    with initialize_config_dir(str(DATA), version_base="1.3"):
        return hydra_compose("ppo_trainer", overrides=command[3:])


def test_the_papers_numbers_reach_verl() -> None:
    config = stage("zero", *ZERO)
    first, *_, last = segments_of(config)
    found = by_verl(config, first)
    actor, rollout = found.actor_rollout_ref.actor, found.actor_rollout_ref.rollout
    assert actor.optim.lr == 3e-6
    assert (actor.use_kl_loss, actor.kl_loss_coef, actor.kl_loss_type) == (
        True,
        0.001,
        "low_var_kl",
    )
    assert (actor.clip_ratio_low, actor.clip_ratio_high, actor.clip_ratio_c) == (10, 10, 1e9)
    assert actor.loss_agg_mode == "seq-mean-token-mean"
    assert (rollout.n, actor.ppo_mini_batch_size, actor.ppo_epochs) == (16, 32, 1)
    assert found.data.train_batch_size * rollout.n == 8192
    assert rollout.temperature == 1.0
    assert found.data.max_response_length == 32768
    assert by_verl(config, last).data.max_response_length == 65536
    assert found.trainer.total_training_steps == 25
    assert found.algorithm.adv_estimator == "grpo"
    assert "hf_model" in actor.checkpoint.save_contents
    assert found.actor_rollout_ref.model.path == "/disk/it's here"
    assert found.algorithm.rollout_correction.rollout_is == "token"
    assert found.trainer.resume_mode == "auto"


def test_the_words_of_the_papers_size_are_words_of_verl_with_megatron() -> None:
    config = stage("zero", "recipe=r1_zero", "profile=paper_moe", WORDS[-1])
    command = Verl().command(config, segments_of(config)[0], PLACES)
    words = [word for word in command[3:] if word != "model_engine=megatron"]  # as the file has it
    assert len(words) == len(command) - 4
    with initialize_config_dir(str(DATA), version_base="1.3"):
        found = hydra_compose("ppo_megatron_trainer", overrides=words)
    actor, reference = found.actor_rollout_ref.actor, found.actor_rollout_ref.ref
    assert (found.trainer.nnodes, found.trainer.n_gpus_per_node) == (64, 8)
    assert (actor.optim.lr, actor.optim.lr_decay_style) == (3e-6, "constant")
    for megatron in (actor.megatron, reference.megatron):
        cut = megatron.pipeline_model_parallel_size * megatron.context_parallel_size
        assert (cut, megatron.expert_model_parallel_size) == (128, 32)
    # 61 layers: 15 parts of 4, and the last of 1
    assert actor.megatron.override_transformer_config.num_layers_in_last_pipeline_stage == 1


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('{"quantization_config": {"quant_method": "fp8"}}', "name a folder in bf16"),
        ('{"num_nextn_predict_layers": 1}', "num_nextn_predict_layers=1, layers that an engine"),
    ],
)
def test_weights_that_an_engine_does_not_give_back_are_refused(
    said: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(said)
    base = ("model@stages.base=hub", f"stages.base.path={tmp_path}")
    composed = compose(R1, [*ZERO, *base])
    graph = build(composed.stages, R1.kinds(), composed.root)
    (text,) = (p.text for p in checks.problems(graph)["zero"] if p.key == "init_from")
    assert told in text
    with pytest.raises(UsageError, match=r"^stages\.zero\.init_from: its config\.json has"):
        trainable.require(tmp_path, "stages.zero.init_from")


def test_r1_zero_is_26_syncs_cut_where_the_limit_changes() -> None:
    found = segments_of(stage("zero", *ZERO))
    assert len(found) == 29
    assert all(len(s.rollouts) == 25 and s.per_rollout == 16 for s in found[:20])
    assert [
        (s.steps.start, s.steps.stop, len(s.rollouts), s.per_rollout) for s in found[20:24]
    ] == [
        (8000, 8192, 12, 16),
        (8192, 8200, 1, 8),  # 8,200 lies inside the rollout of 8,192 to 8,208
        (8200, 8208, 1, 8),
        (8208, 8400, 12, 16),
    ]
    assert {s.reference for s in found[20:24]} == {8000}
    assert [s.reference for s in found[24:]] == [8400, 8800, 9200, 9600, 10000]
    assert [s.first for s in found[1:]] == [s.end for s in found[:-1]]
    assert found[-1].steps.stop == 10400


def test_preference_rewards_and_their_prompts_begin_with_a_segment_of_the_last_rl() -> None:
    words = ("recipe=r1", "profile=paper", "rollout=vllm", "+engine@stages.r1.engine=verl")
    config = compose(R1, [*words, "stages.r1.engine.nodes=1"]).stages["r1"]
    starts = [s.steps.start for s in segments_of(config)]
    assert 1300 in starts
    assert compose(R1, words).stages["dev2"].engine.name == "trl"


def test_every_key_of_verl_is_in_the_table_and_every_key_of_the_table_is_set() -> None:
    config = stage("zero", *ZERO)
    said = {key for key, _ in settings(config, segments_of(config)[0], PLACES)}
    table = PAGE.read_text().partition("## verl")[2].partition("\n## ")[0]
    rows = re.findall(r"^\|(.*)\|(.*)\|.*\|$", table, re.MULTILINE)
    theirs = {key for _, cell in rows for key in re.findall(r"`([\w.]+)`", cell)} & {
        *(key for key in re.findall(r"`([\w.]+\.[\w.]+)`", table))
    }
    assert said <= theirs, said - theirs
    ours = {key for cell, _ in rows for key in re.findall(r"`([\w.]+)`", cell)}
    for key in ours:
        value: Any = config
        for name in key.split("."):
            assert hasattr(value, name), f"docs/engines.md: {key}"
            value = getattr(value, name)


def test_the_page_names_every_curve_and_every_key_that_is_refused() -> None:
    text = PAGE.read_text()
    for theirs, ours in CURVES.items():
        assert f"`{theirs}`" in text, theirs
        assert f"`{ours}`" in text, ours
    for one in REFUSED:
        assert f"`{one.key}`" in text, one.key


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("+lora@stages.zero.lora=default",), "stages.zero.lora: is set, and engine.name is verl"),
        (("stages.zero.rollout_ahead=1",), "rollout_ahead: is 1, and engine.name is verl"),
        (("stages.zero.importance.mode=token_mask",), "importance: is token_mask from None to 2.0"),
        (("algorithm=ppo",), "algorithm.advantage: is value, and engine.name is verl"),
        (("algorithm=gspo",), "algorithm.ratio: is sequence"),
        (("algorithm=dapo",), "dynamic_sampling.budget: is 2.0"),
        (("stages.zero.curriculum.rest_steps=8",), "curriculum.rest_steps: is 8"),
        (("stages.zero.validation.every=100",), "validation.every: is 100"),
        (("stages.zero.optimizer.schedule=cosine",), "optimizer.schedule: is cosine"),
        (
            ("stages.zero.optimizer.warmup_steps=10",),
            "optimizer.warmup_steps: is 10, and verl coun",
        ),
        (
            ("stages.zero.reference_sync_steps=100",),
            "reference_sync_steps: is 100, and verl counts",
        ),
        (("stages.zero.precision.bf16=false",), "precision.bf16: is false"),
        (("stages.zero.parallel.processes=2",), "parallel: is a gang"),
        (("stages.zero.rollout.engine=transformers",), "rollout.engine: is transformers"),
        (("stages.zero.rollout.own_gpus=2",), "rollout.own_gpus: is 2"),
        (
            ("rollout.tensor_parallel_size=3",),
            "rollout.tensor_parallel_size: is 3, and engine.nodes",
        ),
        (("engine.nodes=2",), "engine.address: is 127.0.0.1, which no other machine reaches"),
        (("engine.name=nemo",), "engine.name: is 'nemo': expected one of trl, verl, slime"),
        (("engine.gpus_per_node=0",), "engine.gpus_per_node: is 0: set it to 1 or more"),
    ],
)
def test_what_verl_cannot_do_is_refused_with_its_key(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        stage("zero", *ZERO, *words)
    assert said in str(refused.value)


def test_the_engine_is_part_of_a_result_and_where_it_runs_is_not() -> None:
    from pipeline.identity import config_identity

    def identity(*words: str) -> dict[str, Any]:
        return config_identity(stage("zero", *ZERO, *words)).config

    assert identity() == identity("engine.nodes=4", "engine.address=10.0.0.1", "engine.port=7000")
    assert identity()["engine"] == {"name": "verl", "overrides": []}
    assert identity("engine.overrides=['model_engine=megatron']") != identity()
    trl = config_identity(stage("zero", *ZERO, "engine=trl", "engine.nodes=4"))
    assert "engine" not in trl.config


def test_lines_that_are_no_rollout_are_passed_over() -> None:
    verl = Verl()
    assert (
        verl.line(b'{"step": 3, "data": {"actor/lr": 1.0, "critic/score/mean": null}}') is not None
    )
    for line in (b"", b"{", b"[]", b'{"step": 3}', b'{"step": "x", "data": {}}', b"\xff"):
        assert verl.line(line) is None
